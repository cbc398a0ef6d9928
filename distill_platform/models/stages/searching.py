"""Searching: a wide look, then a closer one, at what else a week's trees could have been; the search window alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from distill_platform.core.canon import dumps, parse, sig_hash
from distill_platform.models.chain.material import Material
from distill_platform.models.chain.trial import close_trial, wide_trial
from distill_platform.models.line import ModelLine
from distill_platform.models.search.stages import Handover, SearchStage, Stages
from distill_platform.models.search.workers import usual_count
from distill_platform.models.stage import Models, code_version, each_line, publish, refusals, refused_before
from distill_platform.models.stages.framing import read_material
from distill_platform.models.terms import costs_of
from distill_platform.store.lake import Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables, open_partition, rows_of

_SEARCHED = {"hpo_search": SearchStage.SEARCH, "hpo_refinement": SearchStage.REFINEMENT}


@dataclass(frozen=True)
class _Searched:
    handover: Handover
    trials: tuple[Mapping[str, Any], ...]


def search_weeks(models: Models, names: Sequence[str], weeks: Sequence[str]) -> list[Manifest]:
    """Return the published weeks of a stage of the search; one that was cut off goes on where it was."""
    manifests = []
    for name in names:
        for done, week in enumerate(weeks, 1):
            inputs: dict[str, Input] = {}
            made, failures = each_line(models, _searched, week, name, inputs)
            trials = [row for line, one in made.items() for row in _trial_rows(line, one)]
            handed = [_handover_row(line, one.handover) for line, one in made.items()]
            lost = [line for line, one in made.items() if _lost(one)]
            checks = [
                check("provenance", "lines whose candidates are not those of their trials", len(lost), sample=lost),
            ]
            counts = Counts(len(trials) + len(failures), len(trials), quarantined=refusals(failures))
            tables = {"trials": trials, "handovers": handed, "refused": [failure.row() for failure in failures]}
            manifests.append(publish(models, name, week, MadeTables(tables, inputs, counts, checks)))
            models.progress(name, done, len(weeks))
    return manifests


def stages_of(models: Models, material: Material, week: str) -> Stages:
    """Return the search of a line's week, in a folder of its own: by data, settings, costs and code."""
    line = material.line
    costs = asdict(costs_of(models.settings.world_of(line)))
    made_of = sig_hash([material.frame.features.versions.lineage_id, line.sha256, costs, code_version()])
    folder = models.lake.root / "search" / line.name / f"{week}.{made_of[:12]}"
    return Stages(line.search, folder, usual_count())


def handed_on(models: Models, line: ModelLine, week: str, dataset: str, inputs: dict[str, Input]) -> Handover:
    """Return what a stage of the search handed on, as it was published; LineRefused for a line that was refused."""
    found, read = open_partition(models.lake, dataset, week)
    inputs |= read
    own = next((row for row in rows_of(found, "handovers") if row["line"] == line.name), None)
    if own is None:
        raise refused_before(found, line)
    return Handover.from_body(parse(own["handover"].encode()))


def _searched(models: Models, line: ModelLine, week: str, name: str, inputs: dict[str, Input]) -> _Searched:
    material, read = read_material(models, line, week)
    inputs |= read
    costs = costs_of(models.settings.world_of(line))
    stages = stages_of(models, material, week)
    if _SEARCHED[name] is SearchStage.SEARCH:
        handover = stages.search(wide_trial(material, costs))
    else:
        before = handed_on(models, line, week, "hpo_search", inputs)
        handover = stages.refine(before, close_trial(material, costs))
    return _Searched(handover, tuple(trial.to_body() for trial in stages.trials(_SEARCHED[name])))


def _lost(one: _Searched) -> bool:
    """Return whether a candidate names a trial that is not there, or that tried something else."""
    by_number = {trial["number"]: trial for trial in one.trials}
    return any(
        by_number.get(number, {}).get("parameters") != candidate.parameters
        for candidate in one.handover.candidates
        for number in candidate.trials[:1]
    )


def _trial_rows(line: str, one: _Searched) -> Iterator[dict[str, Any]]:
    for trial in one.trials:
        yield {
            "line": line,
            "number": trial["number"],
            "status": trial["state"],
            "parameters": dumps(trial["parameters"]).decode(),
            "value": trial["value"],
        }


def _handover_row(line: str, handover: Handover) -> dict[str, Any]:
    return {
        "line": line,
        "stage": handover.stage.value,
        "n_trials": handover.n_trials,
        "handover_sha256": handover.sha256,
        "handover": dumps(handover.to_body()).decode(),
    }
