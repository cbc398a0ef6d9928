"""Framing: the rows of a week's windows with their labels, after a look for what they cannot know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from typing import Any

from distill_platform.core.utc import EARLIEST
from distill_platform.models.chain.material import Findings, Material, findings_of
from distill_platform.models.features.causality import Experiment, Leak
from distill_platform.models.features.suspicion import Suspicion
from distill_platform.models.features.tables import training_from_table, training_schema, training_to_table
from distill_platform.models.frame_building import build_training_frame
from distill_platform.models.frames import TrainingFrame
from distill_platform.models.line import ModelLine
from distill_platform.models.stage import LineFailure, Models, each_line, publish, refusals, refused_before
from distill_platform.models.stages.reading import read_events, read_features, read_grid, symbols_of
from distill_platform.models.validation.windows import windows_of
from distill_platform.models.weeks import end_ns, training_days
from distill_platform.store.lake import Counts, Dataset, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables, open_partition, rows_of
from distill_platform.strategies.market.market import Market

_NS_PER_US = 1_000


def frame_weeks(models: Models, _names: Sequence[str], weeks: Sequence[str]) -> list[Manifest]:
    """Return the published weeks of `training_frame`; findings stop nobody here, and every promotion later."""
    manifests = []
    for done, week in enumerate(weeks, 1):
        inputs: dict[str, Input] = {}
        made, failures = each_line(models, _framed, week, inputs)
        manifests.append(_published(models, week, made, failures, inputs))
        models.progress("training_frame", done, len(weeks))
    return manifests


def _published(
    models: Models,
    week: str,
    made: Mapping[str, tuple[TrainingFrame, Findings]],
    failures: Sequence[LineFailure],
    inputs: dict[str, Input],
) -> Manifest:
    tables: dict[str, Any] = {name: training_to_table(frame) for name, (frame, _) in made.items()}
    schemas = {name: training_schema(frame.features.names) for name, (frame, _) in made.items()}
    leaks = [row for name, (_, findings) in made.items() for row in _leak_rows(name, findings.leaks)]
    suspicions = [row for name, (_, findings) in made.items() for row in _suspicion_rows(name, findings.suspicious)]
    found = [row["feature"] for row in (*leaks, *suspicions)]
    late = [name for name, (frame, _) in made.items() if not _ends_in_time(frame, week)]
    told = "features that know what they cannot, or predict too well to be true"
    knows = check("knows_no_future", told, len(found), sample=found)
    checks = [
        check("provenance", "lines with rows from after the week", len(late), sample=late),
        replace(knows, blocking=False),
    ]
    rows = sum(len(frame) for frame, _ in made.values())
    counts = Counts(rows + len(failures), rows, quarantined=refusals(failures))
    tables |= {"leaks": leaks, "suspicions": suspicions, "refused": [failure.row() for failure in failures]}
    return publish(models, "training_frame", week, MadeTables(tables, inputs, counts, checks), **schemas)


def read_material(models: Models, line: ModelLine, week: str) -> tuple[Material, dict[str, Input]]:
    """Return what a line's models of a week are made of; LineRefused for a line that was refused."""
    found, inputs = open_partition(models.lake, "training_frame", week)
    frame = training_from_table(_rows(found, line), symbols_of(line))
    grid, read = read_grid(models, line, training_days(line, week))
    market = Market(line.market, grid.to_bars())
    return Material(line, windows_of(end_ns(week), line.windows), frame, market), inputs | read


def read_findings(models: Models, line: ModelLine, week: str) -> Findings:
    """Return what the guard found in a line's frame."""
    found, _ = open_partition(models.lake, "training_frame", week)
    own = {name: [row for row in rows_of(found, name) if row["line"] == line.name] for name in ("leaks", "suspicions")}
    leaks = [
        Leak(row["feature"], _ns(row["ts"]), _ns(row["cut"]), Experiment(row["experiment"])) for row in own["leaks"]
    ]
    names = [each.name for each in fields(Suspicion)]
    suspicious = [Suspicion(**{name: row[name] for name in names}) for row in own["suspicions"]]
    return Findings(tuple(leaks), tuple(suspicious))


def _ns(moment: datetime) -> int:
    return (moment - EARLIEST) // timedelta(microseconds=1) * _NS_PER_US


def _framed(models: Models, line: ModelLine, week: str, inputs: dict[str, Input]) -> tuple[TrainingFrame, Findings]:
    models.settings.world_of(line)  # nothing is trained that no world could judge
    days = training_days(line, week)
    features, read = read_features(models, line, days)
    inputs |= read
    grid, read = read_grid(models, line, days)
    inputs |= read
    events, read = read_events(models, line, days)
    inputs |= read
    frame = build_training_frame(features, grid, line.label)
    material = Material(line, windows_of(end_ns(week), line.windows), frame, Market(line.market, grid.to_bars()))
    return frame, findings_of(material, grid, events)


def _rows(found: Dataset, line: ModelLine) -> Any:
    if line.name not in found.manifest.tables:
        raise refused_before(found, line)
    rows = found.read(line.name)
    return training_schema(line.feature_names).empty_table() if rows is None else rows


def _ends_in_time(frame: TrainingFrame, week: str) -> bool:
    return bool(len(frame) and frame.features.ts[-1] <= end_ns(week))


def _leak_rows(line: str, leaks: Sequence[Leak]) -> Iterator[dict[str, Any]]:
    for leak in leaks:
        moments = {"ts": leak.ts // _NS_PER_US, "cut": leak.cut // _NS_PER_US}
        yield {"line": line, "feature": leak.feature, **moments, "experiment": leak.experiment.value}


def _suspicion_rows(line: str, suspicious: Sequence[Suspicion]) -> Iterator[dict[str, Any]]:
    for each in suspicious:
        yield {"line": line, **asdict(each)}
