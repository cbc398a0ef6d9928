"""Contending: all models of a line's week, from their sealed files, in one contest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distill_platform.core.canon import parse
from distill_platform.models.chain.contest import Contest, Entry, hold_contest
from distill_platform.models.chain.entrants import Entrant, Role
from distill_platform.models.chain.material import Material
from distill_platform.models.frames import Floats
from distill_platform.models.policy import Policy
from distill_platform.models.positions import SizingSettings
from distill_platform.models.stage import Models, code_version
from distill_platform.models.stages.shelf import Shelf
from distill_platform.models.terms import terms_of
from distill_platform.store.code import git_sha
from distill_platform.store.lake import Input


@dataclass(frozen=True)
class Code:
    """The code that a run was made by: what its numbers follow from, beside data and models."""

    version: str
    commit: str


Finalist = tuple[Mapping[str, Any], Floats]
"""A finalist of the search as a row of models, and what it said out of fold in its search window."""

_DATASETS = ("frozen_baseline", "tabular_teacher", "ensemble")
_ENTERS = (Role.ARM, Role.CANDIDATE, Role.ABLATION)


def enter(
    models: Models, material: Material, week: str, inputs: dict[str, Input], finalists: Sequence[Finalist]
) -> list[Entry]:
    """Return everybody who enters: arms, candidates of the ensemble, finalists of the search, and the ablation.

    All come from their sealed files, verified.
    """
    shelf = Shelf(models, material, week)
    found = [(row, _search_scores(shelf, name, row)) for name in _DATASETS for row in shelf.rows(name)]
    entries = [_entry(shelf, material, *one) for one in (*found, *finalists) if Role(one[0]["role"]) in _ENTERS]
    inputs |= shelf.inputs
    return entries


def _search_scores(shelf: Shelf, dataset: str, row: Mapping[str, Any]) -> Floats | None:
    """Return what a model said out of fold, None for an arm: what it is compared by lies after its search window."""
    return None if Role(row["role"]) is Role.ARM else shelf.scores(dataset, row["name"])


def _entry(shelf: Shelf, material: Material, row: Mapping[str, Any], search_scores: Floats | None) -> Entry:
    report = parse(row["report"].encode())
    sizing = material.line.sizing
    if "hold_bars" in report:
        sizing = SizingSettings.model_validate({**sizing.model_dump(), "hold_bars": report["hold_bars"]})
    entrant = Entrant(
        name=row["name"],
        role=Role(row["role"]),
        model=shelf.model(row),
        search_scores=search_scores,
        scale=row["scale"],
        policy=None if row["policy"] is None else Policy.parse(row["policy"]),
        sizing=sizing,
        parameters=report.get("parameters", {}),
    )
    return Entry(entrant, shelf.references[row["name"]])


def contest_of(
    models: Models, material: Material, week: str, entries: Sequence[Entry], trials: int, by: Code
) -> Contest:
    """Return the runs of all entries, each with the number of `trials`; the forward window must have been opened.

    `by` is the code that the runs name as theirs: this one, or that of runs that are made again.
    """
    line = material.line
    world, regime = models.settings.world_of(line), models.settings.regime_of(line)
    terms = terms_of(line, world, week, regime, by.version, by.commit)
    return hold_contest(material, entries, terms, trials)


def this_code() -> Code:
    """Return the code that is running."""
    return Code(code_version(), git_sha())
