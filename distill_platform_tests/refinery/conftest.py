"""What the refinery's tests share."""

from pathlib import Path

import pytest

from distill_platform_tests.refinery.builders import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A small refinery in a folder of its own, without streams or files yet."""
    return World(tmp_path)
