"""Reporting: the artifacts of every judged run, the same bytes for the same facts, and an index to start from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from distill_platform.core import canon
from distill_platform.core.canon import sha256_hex
from distill_platform.evaluation.evaluation_run import EvaluationRun
from distill_platform.evaluation.report.document import report_document
from distill_platform.evaluation.report.markdown import markdown
from distill_platform.evaluation.report.page import html
from distill_platform.evaluation.report_views import Viewer
from distill_platform.evaluation.stage import DayTables, Evaluation, opened_day, publish_day
from distill_platform.evaluation.stages.judging import judged_day
from distill_platform.store.lake import Counts, Input, Manifest
from distill_platform.store.lake.atomic import replace_file
from distill_platform.store.lake.laws import check

FOLDER = "reports"


def write_reports(evaluation: Evaluation, _names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of `evaluation_reports`, after writing the artifacts of their runs."""
    viewer = Viewer(evaluation)
    manifests = []
    for done, day in enumerate(days, 1):
        inputs = _inputs(evaluation, day)
        judged = judged_day(evaluation, day)
        rows = [row for run in judged for row in _written(evaluation, run, viewer)]
        manifests.append(
            publish_day(evaluation, "evaluation_reports", day, _tables(evaluation, rows, len(judged), inputs))
        )
        evaluation.progress("evaluation_reports", done, len(days))
    return manifests


def report_folder(lake: Path, run_id: str) -> Path:
    """Return where the artifacts of a run lie."""
    return lake / FOLDER / run_id


def artifacts(run: EvaluationRun, viewer: Viewer) -> Iterator[tuple[str, bytes]]:
    """Yield the artifacts of a judged run by file name: the four for machines and people, and the page."""
    view = viewer.view(run)
    yield "run_manifest.json", canon.dumps(run.manifest.model_dump(mode="json"))
    yield "evaluation_run.json", canon.dumps(run.to_body())
    yield "evaluation_report.json", canon.dumps(report_document(view))
    yield "evaluation_report.md", markdown(view).encode()
    yield "evaluation_report.html", html(view).encode()


def _inputs(evaluation: Evaluation, day: str) -> dict[str, Input]:
    names = ("rule_results", "stage_gates", "triage", "node_contributions")
    return {key: value for name in names for key, value in opened_day(evaluation, name, day)[1].items()}


def _written(evaluation: Evaluation, run: EvaluationRun, viewer: Viewer) -> list[dict[str, Any]]:
    run_id = run.manifest.run_id
    rows = []
    for name, data in artifacts(run, viewer):
        path = report_folder(evaluation.lake.root, run_id) / name
        if not path.exists() or path.read_bytes() != data:
            replace_file(path, data)
        place = path.relative_to(evaluation.lake.root).as_posix()
        rows.append({"run_id": run_id, "artifact": name, "path": place, "sha256": sha256_hex(data), "bytes": len(data)})
    return rows


def _tables(
    evaluation: Evaluation, rows: Sequence[Mapping[str, Any]], runs: int, inputs: Mapping[str, Input]
) -> DayTables:
    wrong = [
        str(row["path"])
        for row in rows
        if sha256_hex((evaluation.lake.root / row["path"]).read_bytes()) != row["sha256"]
    ]
    checks = [
        check("provenance", "reports on runs that were not judged", 0),
        check("reports_whole", "artifacts that are not what was written", len(wrong), sample=wrong),
    ]
    return DayTables({"reports": rows}, inputs, Counts(runs, len({row["run_id"] for row in rows})), checks)
