"""Reporting: a page for every model of a week, its Markdown twin, and an index to start from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from distill_platform.core.canon import dumps, parse, sha256_hex
from distill_platform.models.blending import Blend, BlendedFold
from distill_platform.models.chain.contest import Bout, Contest
from distill_platform.models.chain.entrants import Role
from distill_platform.models.chain.material import Findings, Material
from distill_platform.models.forward_window import Opening
from distill_platform.models.policy import Policy
from distill_platform.models.promotion.deciding import PromotionDecision
from distill_platform.models.report.building import (
    Reported,
    Traded,
    drift_of,
    folds_of,
    folds_of_blend,
    information_of,
    learning_of,
    model_report,
    trials_of,
    verdict_of,
)
from distill_platform.models.report.index import IndexRow, index_page, index_row
from distill_platform.models.report.markdown import markdown
from distill_platform.models.report.page import html
from distill_platform.models.report.view import (
    Decision,
    DriftView,
    FoldView,
    LearningView,
    ModelReportView,
)
from distill_platform.models.rollout.drift import calibrate_drift, measure_drift
from distill_platform.models.significance import NullDistribution
from distill_platform.models.stage import Models
from distill_platform.models.stages.shelf import Shelf
from distill_platform.store.lake.atomic import replace_file
from distill_platform.store.lake.tables import open_partition, rows_of

_FOLDER = Path("reports") / "models"
_REPORTED = (Role.ARM, Role.CANDIDATE)


def index_file(lake: Path) -> Path:
    """Return the page that all reports on models hang on."""
    return lake / _FOLDER / "index.html"


def write_pages(
    models: Models,
    week: str,
    contest: Contest,
    decisions: Mapping[str, PromotionDecision],
    opening: Opening,
    null: NullDistribution | None,
    findings: Findings,
) -> Iterator[dict[str, Any]]:
    """Yield the pages of a line's week after writing them, as rows of a table; `decisions` are by artifact hash."""
    material = contest.material
    told = _Told(models, material, week)
    drift = _drift(material)
    arms = contest.of_role(Role.ARM)
    for bout in contest.bouts:
        entrant, reference = bout.entry.entrant, bout.entry.reference
        if entrant.role not in _REPORTED:
            continue
        information = contest.information() if entrant.name == str(Policy(100)) else {}
        reported = Reported(
            artifact=models.artifacts.open(reference).manifest,
            model=entrant.model,  # type: ignore[arg-type]  # whoever enters explains itself
            manifest=bout.run.manifest,
            traded=_traded(bout),
            rivals=[_traded(arm) for arm in arms if arm is not bout],
            verdict=verdict_of(decisions.get(reference.artifact_sha256)),
            trials=trials_of(contest.trials, opening),
            folds=told.folds(entrant.name),
            learning=told.learning(entrant.policy),
            null=null if entrant.role is Role.CANDIDATE else None,
            information=information_of(information),
            findings=findings,
            drift=drift,
        )
        yield _written(models, week, model_report(reported, material))


def _drift(material: Material) -> tuple[DriftView, ...]:
    """Return how far each feature of the last block of the forward window lies from what was usual in the search."""
    settings, frame = material.line.rollout.drift, material.frame.features
    usual = calibrate_drift(material.search.features, settings)
    return drift_of(usual, measure_drift(frame, material.windows.forward.end_ns, usual, settings))


def write_index(models: Models, made: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write the index over all models that were ever reported on; `made` are the pages of weeks not published yet."""
    rows = [row for pages in made.values() for row in pages]
    for week in models.lake.partitions("promotion_report"):
        if week not in made:
            rows += rows_of(models.lake.inspect("promotion_report", week), "pages")
    replace_file(index_file(models.lake.root), index_page([_shown(row) for row in rows]).encode())


def _shown(row: Mapping[str, Any]) -> IndexRow:
    told = parse(row["shown"].encode())
    return IndexRow(**{**told, "decision": Decision(told["decision"]), "codes": tuple(told["codes"])})


class _Told:
    """What the stages of a week say of the training of its models."""

    def __init__(self, models: Models, material: Material, week: str) -> None:
        shelf = Shelf(models, material, week)
        names = ("frozen_baseline", "tabular_teacher", "tsmixer_student", "ensemble", "hpo_confirmation")
        rows = [row for name in names for row in shelf.rows(name)]
        self._reports = {row["name"]: parse(row["report"].encode()) for row in rows}
        blends, _ = open_partition(models.lake, "ensemble", week)
        line = material.line.name
        self._blends = [row for row in rows_of(blends, "blends") if row["line"] == line]

    def folds(self, name: str) -> tuple[FoldView, ...]:
        """Return the folds of a model; those of a blend with the weight that the other folds chose."""
        report = self._reports[name]
        if not name.startswith("blend_"):
            return folds_of(report)
        own = tuple(BlendedFold(**{key: row[key] for key in BlendedFold.__dataclass_fields__}) for row in self._blends)
        return folds_of_blend(Blend(Policy.parse(name), 1.0, 1.0, 1.0, own, np.empty(0)), report)

    def learning(self, policy: Policy | None) -> LearningView | None:
        """Return how the network learnt, for a policy that uses it."""
        uses = policy is not None and policy.uses_network
        return learning_of(self._reports["tsmixer_student"]) if uses else None


def _traded(bout: Bout) -> Traded:
    entrant = bout.entry.entrant
    return Traded.of(entrant.name, entrant.role, bout.run)


def _written(models: Models, week: str, view: ModelReportView) -> dict[str, Any]:
    """Return the row of a page after writing it and its twin; the same facts, the same bytes."""
    who = view.identity
    place = Path(who.line) / week / f"{who.name}.html"
    page, twin = html(view).encode(), markdown(view).encode()
    for path, data in ((place, page), (place.with_suffix(".md"), twin)):
        replace_file(models.lake.root / _FOLDER / path, data)
    row = index_row(view, place.as_posix())
    told = {"path": (_FOLDER / place).as_posix(), "sha256": sha256_hex(page), "shown": dumps(asdict(row)).decode()}
    return {"line": who.line, "name": who.name, **told}
