"""A lab for each test, copied from one that is built once."""

import shutil
from pathlib import Path

import pytest

from distill_platform_tests.models.serving.lab import Lab, build_lab


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The lab that others are copied from."""
    return build_lab(tmp_path_factory.mktemp("serving"))


@pytest.fixture
def lab(built: Lab, tmp_path: Path) -> Lab:
    """A lab in which two candidates are registered and nobody serves."""
    return Lab(Path(shutil.copytree(built.folder, tmp_path / "lab")))
