from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from distill_platform_tests.defs.runs import EvaluationProject, Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Project(tmp_path / "project", instance)


@pytest.fixture
def judging(tmp_path: Path) -> Iterator[EvaluationProject]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield EvaluationProject(tmp_path / "project", instance)
