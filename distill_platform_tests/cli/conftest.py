"""What the terminal's tests get: a runner of commands, and a tiny project after its run."""

import shutil
from pathlib import Path

import pytest

from distill_platform_tests.cli.terminal import distill
from distill_platform_tests.store.conftest import postgres_server, postgres_url  # noqa: F401 - fixtures
from distill_platform_tests.tiny_project import tiny_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny project after `distill run`; nobody changes it."""
    project = tiny_project(tmp_path_factory.mktemp("project"))
    result = distill(project, "run", "--run-id", "first")
    assert result.exit_code == 0, result.output
    return project


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished project that a test may spoil."""
    return Path(shutil.copytree(finished, tmp_path / "project"))


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A tiny project on which nothing has run."""
    return tiny_project(tmp_path / "fresh")
