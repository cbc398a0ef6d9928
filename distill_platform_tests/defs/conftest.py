from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from distill_platform_tests.defs.runs import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Project(tmp_path / "project", instance)
