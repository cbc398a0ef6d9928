"""What every test gets: property tests that do not depend on the speed of the machine, and a market for models."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from distill_platform_tests.small_market import SmallMarket

settings.register_profile("distill", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("distill")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> SmallMarket:
    """A small market after a week: two lines trained and decided on, two that cannot be; nobody changes it."""
    from distill_platform_tests.small_market import trained_market

    return trained_market(tmp_path_factory.mktemp("market"))


@pytest.fixture
def market(trained: SmallMarket, tmp_path: Path) -> SmallMarket:
    """A copy of the trained market that a test may spoil."""
    from distill_platform_tests.small_market import SmallMarket

    return SmallMarket(Path(shutil.copytree(trained.folder, tmp_path / "market")))
