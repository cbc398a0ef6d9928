"""Reporting: the artifacts of every judged run, the same bytes for the same facts, and an index to start from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from distill_platform.core import canon
from distill_platform.core.canon import sha256_hex
from distill_platform.core.workers import Workers
from distill_platform.evaluation.evaluation_run import EvaluationRun
from distill_platform.evaluation.records import evaluation_stream
from distill_platform.evaluation.report.document import report_document
from distill_platform.evaluation.report.index import IndexRow, RefusedBundle, index_page, index_row
from distill_platform.evaluation.report.markdown import markdown
from distill_platform.evaluation.report.page import html
from distill_platform.evaluation.report.view import ReportView
from distill_platform.evaluation.report_views import Viewer
from distill_platform.evaluation.stage import Evaluation, publish_day
from distill_platform.evaluation.stages.judging import UNJUDGED, judged_day
from distill_platform.evaluation.surroundings import Surroundings
from distill_platform.store.lake import Counts, Input, Manifest
from distill_platform.store.lake.atomic import replace_file
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables, Row, open_partition, rows_of

PAGE = "evaluation_report.html"
_FOLDER = "reports"
_RUNS = "runs"  # a folder of their own: a run may be called index.html
_INDEX = "index.html"
MANY = 32
"""From so many reports on, workers save more time than they take to start."""
_UPSTREAM = ("rule_results", "stage_gates", "triage", "node_contributions")


def write_reports(evaluation: Evaluation, _names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of `evaluation_reports`, after writing the artifacts of their runs and the index.

    The index comes before what is published, so that a day whose page is not there yet still waits.
    """
    around = Surroundings(evaluation.ledger)
    judged = {day: judged_day(evaluation, day) for day in days}
    rendered = _all_rendered(evaluation, [run for found in judged.values() for run in found.runs])
    made: dict[str, MadeTables] = {}
    for done, (day, found) in enumerate(judged.items(), 1):
        inputs = _upstream(evaluation, day) | found.inputs | around.of(around.named(found.run_ids))
        reported = [_written(evaluation, one) for one in islice(rendered, len(found.runs))]
        made[day] = _tables(evaluation, found.runs, reported, inputs)
        evaluation.progress("evaluation_reports", done, len(days))
    _write(evaluation, index_file(evaluation.lake.root), _index(evaluation, made).encode())
    return [publish_day(evaluation, "evaluation_reports", day, tables) for day, tables in made.items()]


def _upstream(evaluation: Evaluation, day: str) -> dict[str, Input]:
    return {key: read for name in _UPSTREAM for key, read in open_partition(evaluation.lake, name, day)[1].items()}


def _all_rendered(evaluation: Evaluation, runs: Sequence[EvaluationRun]) -> Iterator[_Rendered]:
    """Yield the reports on some runs in their order; many are drawn by the workers, where each takes a while."""
    viewer = Viewer(evaluation)
    workers = evaluation.workers if len(runs) >= MANY else Workers()
    return workers.map(_rendered, ((run, viewer.view(run)) for run in runs))


def report_folder(lake: Path, run_id: str) -> Path:
    """Return where the artifacts of a run lie."""
    return lake / _FOLDER / _RUNS / run_id


def index_file(lake: Path) -> Path:
    """Return the page that all reports hang on."""
    return lake / _FOLDER / _INDEX


def artifacts(run: EvaluationRun, view: ReportView) -> Iterator[tuple[str, bytes]]:
    """Yield the artifacts of a judged run by file name: the four for machines and people, and the page."""
    yield "run_manifest.json", canon.dumps(run.manifest.model_dump(mode="json"))
    yield "evaluation_run.json", canon.dumps(run.to_body())
    yield "evaluation_report.json", canon.dumps(report_document(view))
    yield "evaluation_report.md", markdown(view).encode()
    yield PAGE, html(view).encode()


@dataclass(frozen=True)
class _Rendered:
    run_id: str
    artifacts: list[tuple[str, bytes]]
    index: dict[str, Any]


@dataclass(frozen=True)
class _Reported:
    artifacts: list[dict[str, Any]]
    index: dict[str, Any]


def _rendered(task: tuple[EvaluationRun, ReportView]) -> _Rendered:
    """Return the artifacts of a run, and its line of the index."""
    run, view = task
    run_id, ablated = run.manifest.run_id, run.manifest.ablation_spec is not None
    index = vars(index_row(view, f"{_RUNS}/{run_id}/{PAGE}"))
    index = {**index, "ablated": ablated, "ratio": view.number("returns.sharpe_daily")}
    return _Rendered(run_id, list(artifacts(run, view)), index)


def _written(evaluation: Evaluation, rendered: _Rendered) -> _Reported:
    """Return what the tables hold of a report, after writing its artifacts."""
    run_id, root = rendered.run_id, evaluation.lake.root
    rows = []
    for name, data in rendered.artifacts:
        path = report_folder(root, run_id) / name
        _write(evaluation, path, data)
        place = path.relative_to(root).as_posix()
        rows.append({"run_id": run_id, "artifact": name, "path": place, "sha256": sha256_hex(data), "bytes": len(data)})
    return _Reported(rows, rendered.index)


def _write(evaluation: Evaluation, path: Path, data: bytes) -> None:
    if not path.exists() or path.read_bytes() != data:
        replace_file(path, data, evaluation.lake.on_step)


def _index(evaluation: Evaluation, made: Mapping[str, MadeTables]) -> str:
    """Return the index over every run that was ever reported on, and whatever was turned away."""
    rows: list[Row] = []
    refused: list[Row] = []
    for day in sorted({*evaluation.lake.partitions("evaluation_reports"), *made}):
        known = made[day].tables["index"] if day in made else None
        rows += known if known is not None else rows_of(evaluation.lake.inspect("evaluation_reports", day), "index")
        refused += rows_of(evaluation.lake.inspect("run_bundles", day), "refused")
        unjudged = evaluation.lake.inspect("rule_results", day).manifest.extra.get(UNJUDGED, {})
        refused += [{"name": run_id, **told} for run_id, told in unjudged.items()]
    shown = [IndexRow(**{name: row[name] for name in IndexRow.__dataclass_fields__}) for row in rows]
    turned_away = [RefusedBundle(row["name"], row["reason"], row["message"]) for row in refused]
    return index_page(shown, turned_away)


def _tables(
    evaluation: Evaluation, runs: Sequence[EvaluationRun], reported: Sequence[_Reported], inputs: Mapping[str, Input]
) -> MadeTables:
    root = evaluation.lake.root
    rows = [row for one in reported for row in one.artifacts]
    wrong = [str(row["path"]) for row in rows if sha256_hex((root / row["path"]).read_bytes()) != row["sha256"]]
    strange = [run.manifest.run_id for run in runs if not _is_recorded(evaluation, run)]
    checks = [
        check("provenance", "reports whose verdict is not the ledger's", len(strange), sample=strange),
        check("reports_whole", "artifacts that are not what was written", len(wrong), sample=wrong),
    ]
    tables = {"reports": rows, "index": [one.index for one in reported]}
    return MadeTables(tables, inputs, Counts(len(runs), len(reported)), checks)


def _is_recorded(evaluation: Evaluation, run: EvaluationRun) -> bool:
    """Return whether a verdict is the last that the ledger has on its run."""
    manifest = run.manifest
    latest = evaluation.ledger.latest(evaluation_stream(manifest.world_id, manifest.strategy_id, manifest.run_id))
    return latest is not None and latest.body == run.to_body()
