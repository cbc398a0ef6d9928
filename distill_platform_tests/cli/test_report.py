"""`distill report` shows what is known of one run, and nothing else on the disk."""

from pathlib import Path

import pytest

from distill_platform_tests.cli.terminal import distill, document, flat
from distill_platform_tests.evaluation.lab import Lab


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A judged run; nobody changes it."""
    lab = Lab(tmp_path_factory.mktemp("judged"))
    lab.hand_in(1, sharpe=0.1)
    lab.evaluate()
    return lab


def test_a_report_says_why_and_where_to_read_on(judged: Lab) -> None:
    result = distill(judged.folder, "report", "run-1")
    assert result.exit_code == 0, result.output
    assert judged.reports()["run-1/evaluation_report.md"].decode().splitlines()[0] in result.stdout
    assert "Refused" in result.stdout
    assert "Page: data/lake/reports/runs/run-1/evaluation_report.html" in result.stdout


def test_the_json_document_is_the_artifact(judged: Lab) -> None:
    assert document(distill(judged.folder, "report", "run-1", "--json")) == judged.report("run-1")


@pytest.mark.parametrize(
    "run_id", ["run-9", "", ".", "..", "../../config", "/etc", "run-1/", "run-1/../run-1", "run\x001", "*", "-" * 5000]
)
def test_what_is_no_run_has_no_report(judged: Lab, run_id: str) -> None:
    result = distill(judged.folder, "report", "--", run_id)
    assert result.exit_code not in (0, None)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "there is no report on a run" in flat(result.output)


def test_an_error_is_one_json_document_too(judged: Lab) -> None:
    result = distill(judged.folder, "report", "nobody", "--json")
    assert result.exit_code != 0
    assert "nobody" in str(document(result)["error"])


def test_outside_of_a_project_it_says_where_to_go(tmp_path: Path) -> None:
    result = distill(tmp_path, "report", "run-1")
    assert result.exit_code == 2
    assert "--config" in flat(result.output)
