"""Reports against somebody who wants another one to be read: names that are places, and pages that were edited."""

import shutil
from pathlib import Path

import pytest

from distill_platform.core.errors import CorruptDataset
from distill_platform_tests.evaluation.lab import DAY, Lab


@pytest.mark.parametrize("name", ["index.html", "runs", "evaluation_report.json"])
def test_a_run_that_is_called_like_a_file_takes_no_place_but_its_own(tmp_path: Path, name: str) -> None:
    lab = Lab(tmp_path)
    lab.hand_in(1)
    lab.hand_in(2, run_id=name)
    assert lab.evaluate() == [DAY]
    assert lab.report(name)["meta"]["run_id"] == name
    assert name in (lab.lake / "reports/index.html").read_text()


@pytest.mark.parametrize("artifact", ["evaluation_run.json", "evaluation_report.md", "evaluation_report.html"])
def test_a_report_that_was_edited_is_written_again(tmp_path: Path, artifact: str) -> None:
    lab = Lab(tmp_path)
    lab.hand_in(1, sharpe=-1.0)
    lab.evaluate()
    page = lab.lake / "reports/runs/run-1" / artifact
    told = page.read_bytes()
    page.write_bytes(told.replace(b"fail", b"pass"))
    assert page.read_bytes() != told
    assert lab.evaluate() == [DAY]
    assert page.read_bytes() == told


def test_a_stored_bundle_that_was_changed_is_noticed_and_the_inbox_gives_it_back(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.hand_in(1)
    lab.evaluate()
    told = lab.reports()
    (stored,) = (lab.lake / "bundles").glob("[0-9a-f]*")
    (stored / "steps.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorruptDataset, match="was changed") as caught:
        lab.evaluate(DAY)
    assert "after removing that folder" in caught.value.hint
    shutil.rmtree(stored)
    assert lab.evaluate(DAY) == [DAY]
    assert lab.reports() == told
