"""Contending: all models of a line's week run on the same bars, at the same costs, measured window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from distill_platform.core.canon import parse
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.chain.entrants import Entrant, Role, run_of, scores_of
from distill_platform.models.chain.fitted import WITHOUT_EVENTS
from distill_platform.models.chain.material import Material
from distill_platform.models.forward_window import Opening
from distill_platform.models.frames import Floats
from distill_platform.models.information import daily_net, daily_rank_ic, information_value
from distill_platform.models.model_runs import ModelRun
from distill_platform.models.policy import Policy
from distill_platform.models.positions import SizingSettings
from distill_platform.models.promotion.case import WindowResult, window_result
from distill_platform.models.stage import Models, code_version
from distill_platform.models.stages.shelf import Shelf
from distill_platform.models.terms import terms_of
from distill_platform.store.code import git_sha
from distill_platform.store.lake import Input
from distill_platform.strategies.bundles.manifest import ModelReference

_DATASETS = ("frozen_baseline", "tabular_teacher", "ensemble")
_ENTERS = (Role.ARM, Role.CANDIDATE, Role.ABLATION)


@dataclass(frozen=True, eq=False)
class Entry:
    """An entrant with its sealed artifact."""

    entrant: Entrant
    reference: ArtifactReference


@dataclass(frozen=True, eq=False)
class Bout:
    """One entry's run, and what it made in each window. `rank_ic` is by day, over validation and forward window."""

    entry: Entry
    run: ModelRun = field(repr=False)
    scores: Floats = field(repr=False)
    validation: WindowResult
    forward: WindowResult

    @property
    def turnover_per_day(self) -> float:
        """Return the traded value over equity per day, both ways."""
        return float(np.sum(self.run.result.steps["turnover"].to_numpy())) / max(len(self.run.result.daily), 1)


@dataclass(frozen=True, eq=False)
class Contest:
    """All runs of a line's week; `trials` is how many were tried for them, the openings of others included."""

    material: Material = field(repr=False)
    bouts: tuple[Bout, ...]
    trials: int

    def bout(self, name: str) -> Bout | None:
        """Return the bout of an entrant, None for one that did not enter."""
        return next((bout for bout in self.bouts if bout.entry.entrant.name == name), None)

    def information_rows(self, line: str) -> Iterator[dict[str, Any]]:
        """Yield what added event information was worth out of sample: the teacher with events less the one without."""
        seeing, blind = self.bout(str(Policy(100))), self.bout(WITHOUT_EVENTS)
        if seeing is None or blind is None:
            return
        frame = self.material.frame
        after = frame.features.ts >= self.material.windows.validation.start_ns
        pairs = {
            "net_return_per_day": (daily_net(seeing.run.result.daily), daily_net(blind.run.result.daily)),
            "rank_ic_per_day": tuple(
                daily_rank_ic(frame.rows(after), bout.entry.entrant.model.scores(frame.features)[after])
                for bout in (seeing, blind)
            ),
        }
        for measure, (with_events, without) in pairs.items():
            found = asdict(information_value(with_events, without, self.material.line.significance.seed))
            yield {"line": line, "measure": measure, **{name: _finite(value) for name, value in found.items()}}


def enter(
    models: Models, material: Material, week: str, inputs: dict[str, Input], finalists: Sequence[Mapping[str, Any]]
) -> list[Entry]:
    """Return everybody who enters: arms, candidates of the ensemble, finalists of the search, and the ablation.

    All come from their sealed files, verified; `finalists` are rows of models that are not published yet.
    """
    shelf = Shelf(models, material, week)
    found: list[tuple[str, Mapping[str, Any]]] = [(name, row) for name in _DATASETS for row in shelf.rows(name)]
    found += [("", row) for row in finalists]
    entries = [_entry(shelf, material, dataset, row) for dataset, row in found if Role(row["role"]) in _ENTERS]
    inputs |= shelf.inputs
    return entries


def _entry(shelf: Shelf, material: Material, dataset: str, row: Mapping[str, Any]) -> Entry:
    report = parse(row["report"].encode())
    role, sizing = Role(row["role"]), material.line.sizing
    if "hold_bars" in report:
        sizing = SizingSettings.model_validate({**sizing.model_dump(), "hold_bars": report["hold_bars"]})
    scores = shelf.scores(dataset, row["name"]) if dataset and role is not Role.ARM else None
    entrant = Entrant(
        name=row["name"],
        role=role,
        model=shelf.model(row),
        search_scores=scores,
        scale=row["scale"],
        policy=None if row["policy"] is None else Policy.parse(row["policy"]),
        sizing=sizing,
        parameters=report.get("parameters", {}),
    )
    return Entry(entrant, shelf.references[row["name"]])


def trials_of(entries: Sequence[Entry], searched: int, opening: Opening) -> int:
    """Return how many were tried: in the search, all that entered, and the candidates of others on the same window."""
    return searched + len(entries) + opening.trials - len(opening.recorded.request.candidates)


def contest_of(models: Models, material: Material, week: str, entries: Sequence[Entry], trials: int) -> Contest:
    """Return the runs of all entries, each with the number of `trials`; the forward window must have been opened."""
    line = material.line
    world, regime = models.settings.world_of(line), models.settings.regime_of(line)
    terms = terms_of(line, world, week, regime, code_version(), git_sha())
    bouts = []
    for number, entry in enumerate(entries):
        scores = scores_of(entry.entrant, material)
        named = ModelReference(
            name=entry.reference.name,
            version=entry.reference.version,
            artifact_sha256=entry.reference.artifact_sha256,
        )
        run = run_of(entry.entrant, scores, material, terms, named, (number, trials))
        bouts.append(_bout(entry, run, scores, material))
    return Contest(material, tuple(bouts), trials)


def _bout(entry: Entry, run: ModelRun, scores: Floats, material: Material) -> Bout:
    book, windows = run.result.book, material.windows
    results = (window_result(book.bars.ts, book.ret_net, window) for window in (windows.validation, windows.forward))
    return Bout(entry, run, scores, *results)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
