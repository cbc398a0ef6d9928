"""Fitted models: each with its scores out of fold over the search window, and what is told of its training."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from distill_platform.core.canon import sig_hash
from distill_platform.core.errors import LeakError
from distill_platform.core.workers import Workers
from distill_platform.models.baseline import fit_control_arms
from distill_platform.models.blending import Blend, fit_blend, fit_scale
from distill_platform.models.chain.material import Material
from distill_platform.models.ensemble import Explained
from distill_platform.models.frames import Floats
from distill_platform.models.out_of_fold import (
    FoldFit,
    OutOfFold,
    adopt_out_of_fold,
    fold_table,
    reproduce_out_of_fold,
)
from distill_platform.models.scoring import Scorer
from distill_platform.models.significance import NullDistribution, null_distribution
from distill_platform.models.teacher import TabularFit, Teacher, TeacherSettings, fit_teacher
from distill_platform.models.tsmixer.student import Student
from distill_platform.models.tsmixer.teaching import TeacherTargets
from distill_platform.models.tsmixer.training import fit_student, student_out_of_fold
from distill_platform.models.validation.folds import fold_numbers

TEACHER = "tabular_teacher"
STUDENT = "tsmixer_student"
WITHOUT_EVENTS = "tabular_without_events"


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model fitted on the search window. `scale` is the unit of its scores; `report` says how it was trained.

    `teacher_proof` is the hash of the proof that what taught it was out of fold; None without a teacher.
    """

    name: str
    model: Explained = field(repr=False)
    out_of_fold: OutOfFold = field(repr=False)
    scale: float
    report: dict[str, Any] = field(repr=False)
    teacher_proof: str | None = None

    @property
    def report_sha256(self) -> str:
        """Return the hash of the report."""
        return sig_hash(self.report)


def fit_arms(material: Material) -> dict[str, Fitted]:
    """Return the control arms by name, fitted on bars alone; they are to be frozen."""
    line = material.line
    arms = fit_control_arms(material.search, material.folds, line.bar_features, line.baseline)
    return {name: _fitted(name, arm) for name, arm in arms.items()}


def fit_tabular(
    material: Material, *, name: str = TEACHER, settings: TeacherSettings | None = None, names: tuple[str, ...] = ()
) -> Fitted:
    """Return a tabular model of the search window, by default the line's teacher over all features."""
    fit = TabularFit(settings or material.line.teacher, names)
    return _fitted(name, fit_teacher(material.search, material.folds, fit))


def prove_teacher(material: Material, teacher: OutOfFold) -> str:
    """Return the hash of the proof that the line's teacher said nothing of rows that it had learnt, fitting it again.

    Raises LeakError for scores that its procedure does not give out of fold: see `reproduce_out_of_fold`.
    """
    reproduce_out_of_fold(teacher, material.search, TabularFit(material.line.teacher))
    return teacher.proof_sha256


def null_of(material: Material, workers: Workers | None = None) -> NullDistribution:
    """Return what the teacher's whole procedure finds in labels that were moved in blocks."""
    line = material.line
    fit = TabularFit(line.teacher)
    return null_distribution(material.search, material.folds, fit, line.bar_ns, line.significance, workers)


def fit_network(material: Material, teacher: OutOfFold) -> Fitted:
    """Return the student of the search window, taught by the truth and by what the teacher said out of fold.

    Its own scores out of fold are those of students that were trained on the other folds' rows. Errors: `fit_student`,
    LeakError first of all.
    """
    line, search, folds = material.line, material.search, material.folds
    names, targets = line.feature_names, targets_of(teacher)
    fit = fit_student(search, names, line.student, line.bar_ns, targets)
    pairs = [(fold.train, fold.test) for fold in folds]
    others = student_out_of_fold(search, names, line.student, line.bar_ns, pairs, targets)
    found = adopt_out_of_fold(search, folds, others.scores, others.procedure_sha256)
    report = {
        **fit.report,
        "proof_sha256": found.proof_sha256,
        "mean_rank_ic": found.mean_rank_ic,
        "folds": fold_table(found),
    }
    return Fitted(STUDENT, fit.student, found, _scale(found), report, teacher.proof_sha256)


def blend_of(material: Material, tabular: Fitted, network: Fitted) -> Blend:
    """Return how the two are best weighed, found on other folds than it is reported on."""
    return fit_blend(material.search, tabular.out_of_fold, network.out_of_fold, material.line.ensemble)


def targets_of(teacher: OutOfFold) -> TeacherTargets:
    """Return what a teacher said out of fold, with the rows that each of its fits was trained on."""
    trained_on = tuple(fold.train for fold in teacher.folds)
    return TeacherTargets(teacher.scores, teacher.fold, trained_on, teacher.proof_sha256)


def normalization_of(model: Scorer) -> dict[str, Any]:
    """Return by what a model divides what it sees, as a JSON value; trees divide nothing."""
    if not isinstance(model, Student):
        return {"method": "none"}
    seen = model.normalization
    return {
        "method": "reversible_instance",
        "means": seen.means.tolist(),
        "scales": seen.scales.tolist(),
        "label_mean": seen.label_mean,
        "label_scale": seen.label_scale,
    }


def _fitted(name: str, teacher: Teacher) -> Fitted:
    return Fitted(name, teacher.model, teacher.out_of_fold, _scale(teacher.out_of_fold), teacher.report)  # type: ignore[arg-type]


def restored(material: Material, name: str, model: Scorer, scores: Floats, report: Mapping[str, Any]) -> Fitted:
    """Return a fitted model as it was before it was sealed: from its verified files, its scores and its report.

    Raises LeakError unless the scores and the folds of this material are those that the report's proof is about.
    """
    fits = tuple(_fold_fit(row) for row in report["folds"])
    found = OutOfFold(scores, fold_numbers(material.search, material.folds), material.folds, fits)
    if found.proof_sha256 != report["proof_sha256"]:
        hint = "Train it again: its frame, its folds or its scores have changed since"
        raise LeakError(f"the scores of {name} are not those that were proven to be out of fold", hint=hint)
    return Fitted(name, model, found, _scale(found), dict(report), report.get("teacher_proof"))  # type: ignore[arg-type]


def _fold_fit(row: Mapping[str, Any]) -> FoldFit:
    values: dict[str, Any] = {}
    for each in dataclasses.fields(FoldFit):
        values[each.name] = math.nan if row[each.name] is None else row[each.name]
    return FoldFit(**values)


def _scale(found: OutOfFold) -> float:
    return fit_scale(found.scores[found.is_out_of_fold])
