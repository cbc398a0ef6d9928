"""Building: the values of a report from what the chain made. Nothing here decides anything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from distill_platform.core.utc import EARLIEST, iso
from distill_platform.models.artifacts.manifest import ArtifactManifest
from distill_platform.models.blending import Blend
from distill_platform.models.chain.entrants import Role
from distill_platform.models.chain.material import Findings, Material
from distill_platform.models.ensemble import Explained
from distill_platform.models.features.causality import Leak
from distill_platform.models.features.suspicion import Suspicion
from distill_platform.models.forward_window import Opening
from distill_platform.models.frames import FrameVersions
from distill_platform.models.information import InformationValue
from distill_platform.models.model_runs import ModelRun
from distill_platform.models.promotion.deciding import PromotionDecision
from distill_platform.models.report.out_of_sample import (
    calibration_on,
    importance_of,
    judged_frame,
    judged_rows,
    newest,
)
from distill_platform.models.report.outcomes import cost_curve_of, equity_of, results_of
from distill_platform.models.report.view import (
    ContractView,
    Decision,
    DriftView,
    FindingView,
    FoldView,
    IdentityView,
    InformationUnit,
    InformationView,
    LearningView,
    ModelReportView,
    NullView,
    OpeningView,
    ReasonView,
    TrialsView,
    VerdictView,
    WindowView,
)
from distill_platform.models.rollout.drift import DriftBounds, DriftReading
from distill_platform.models.significance import NullDistribution
from distill_platform.strategies.bundles.manifest import RunManifest

_WEEK = timedelta(days=7)  # a training week is named by its Monday, and its forward window ends with it


@dataclass(frozen=True, eq=False)
class Traded:
    """What a contender's run came to: the `steps` and `daily` tables of its bundle."""

    name: str
    role: Role
    steps: pa.Table = field(repr=False)
    daily: pa.Table = field(repr=False)

    @classmethod
    def of(cls, name: str, role: Role, run: ModelRun) -> Traded:
        """Return what a run came to."""
        return cls(name, role, run.tables["steps"], run.tables["daily"])


@dataclass(frozen=True, eq=False)
class Reported:
    """A model, and all that was found out about it; None or empty is what nobody looked at.

    `folds` come from `folds_of` or `folds_of_blend`, `learning` from `learning_of`. `rivals` are the control arms, in
    the order in which to show them.
    """

    artifact: ArtifactManifest
    model: Explained = field(repr=False)
    manifest: RunManifest = field(repr=False)
    traded: Traded
    rivals: Sequence[Traded]
    verdict: VerdictView
    trials: TrialsView
    folds: tuple[FoldView, ...] = ()
    learning: LearningView | None = None
    null: NullDistribution | None = None
    information: tuple[InformationView, ...] = ()
    findings: Findings | None = None
    drift: tuple[DriftView, ...] = ()


def model_report(reported: Reported, material: Material) -> ModelReportView:
    """Return the report of a model on a week's material; its forward window must have been opened before.

    Calibration and importance are seen on rows of the validation and forward windows. Raises KeyError for a frame
    without one of the model's features.
    """
    windows = windows_of(reported.artifact)
    everyone = (reported.traded, *reported.rivals)
    judged = judged_frame(material)
    return ModelReportView(
        identity=identity_of(reported.artifact, reported.manifest, reported.traded.role, material.line.symbols),
        verdict=reported.verdict,
        windows=windows,
        results=tuple(found for one in everyone for found in results_of(one.name, one.steps, windows)),
        folds=reported.folds,
        null=None if reported.null is None else null_of(reported.null),
        learning=reported.learning,
        calibration=calibration_on(reported.model, judged, judged_rows(judged, material)),
        costs=cost_curve_of(reported.traded.steps),
        equity=tuple(equity_of(one.name, one.role, one.daily) for one in everyone),
        importance=importance_of(reported.model, newest(judged)),
        drift=reported.drift,
        information=reported.information,
        trials=reported.trials,
        findings=None if reported.findings is None else findings_of(reported.findings),
        contract=contract_of(reported.artifact),
    )


def identity_of(
    artifact: ArtifactManifest, manifest: RunManifest, role: Role, symbols: tuple[str, ...]
) -> IdentityView:
    """Return which model this is, from what was sealed with it and with its run."""
    reference = artifact.reference
    seeds = manifest.seeds if isinstance(manifest.seeds, dict) else {}
    return IdentityView(
        line=artifact.line,
        week=f"{artifact.windows.forward.end - _WEEK:%Y-%m-%d}",
        name=artifact.name,
        role=role,
        kind=str(artifact.type),
        policy=artifact.ensemble_policy,
        version=artifact.version,
        artifact_sha256=reference.artifact_sha256,
        run_id=manifest.run_id,
        world_id=manifest.world_id,
        symbols=symbols,
        fitted_from=artifact.data_range.start,
        fitted_to=artifact.data_range.end,
        seeds=tuple(sorted((name, seed) for name, seed in seeds.items() if isinstance(seed, int))),
        code_version=artifact.code_version,
    )


def windows_of(artifact: ArtifactManifest) -> tuple[WindowView, ...]:
    """Return the three windows that a model was fitted on, chosen by and reported on, oldest first."""
    windows = artifact.windows
    spans = (("search", windows.search), ("validation", windows.validation), ("forward", windows.forward))
    return tuple(WindowView(name, span.start, span.end) for name, span in spans)


def folds_of(report: Mapping[str, Any]) -> tuple[FoldView, ...]:
    """Return the folds that a training report tells of (`out_of_fold.fold_table`)."""
    return tuple(_fold(row) for row in report["folds"])


def folds_of_blend(blend: Blend, report: Mapping[str, Any]) -> tuple[FoldView, ...]:
    """Return the folds of a blend, each with the others' choice; `report` is that of either member: same folds."""
    rows = {row["fold"]: row for row in report["folds"]}
    unknown = {"mse": None, "null_mse": None}  # a blend has units of its own, not the label's
    return tuple(
        _fold({**rows[fold.fold], **unknown, "rank_ic": fold.rank_ic}, policy=fold.policy) for fold in blend.folds
    )


def learning_of(report: Mapping[str, Any]) -> LearningView | None:
    """Return the losses by epoch that a training report tells of; None for a model that has no epochs."""
    if "curve" not in report:
        return None
    curve = report["curve"]
    train, validation = (tuple(_number(epoch[name]) for epoch in curve) for name in ("train", "validation"))
    return LearningView(train, validation, int(report["best_epoch"]))


def null_of(found: NullDistribution) -> NullView:
    """Return what the training procedure reached, and what it reaches where there is nothing to find."""
    return NullView(found.observed, np.sort(found.values), found.p_value, found.block_bars)


def information_of(found: Mapping[str, InformationValue]) -> tuple[InformationView, ...]:
    """Return what events were worth a day, by measure (`Contest.information`); ValueError for one that is unknown."""
    return tuple(
        InformationView(one.estimate, one.low, one.high, one.p, one.days, InformationUnit(measure))
        for measure, one in found.items()
    )


def verdict_of(decision: PromotionDecision | None) -> VerdictView:
    """Return what was decided of a model; None is for one that is not up for promotion."""
    if decision is None:
        return VerdictView(Decision.NOT_UP)
    reasons = tuple(ReasonView(one.code.value, one.sentence, one.observed, one.threshold) for one in decision.reasons)
    return VerdictView(Decision(decision.status.value), reasons, decision.asks_less)


def drift_of(known: DriftBounds, reading: DriftReading) -> tuple[DriftView, ...]:
    """Return how far each feature has moved, beside what it takes for the worst of so many features to be unusual."""
    bounds = dict(zip(known.names, (known.bounds * known.worst).tolist(), strict=True))
    return tuple(DriftView(name, found, bounds[name]) for name, found in reading.statistics.items())


def trials_of(declared: int, opening: Opening | None) -> TrialsView:
    """Return what was tried: in training, and by whoever has looked at the forward window; None for nobody yet."""
    if opening is None:
        return TrialsView(declared, 0, ())
    looks = tuple(
        OpeningView(one.number, one.request.lineage, one.opened_at, one.opened_by, len(one.request.candidates))
        for one in opening.overlapping
    )
    return TrialsView(declared, opening.trials, looks)


def findings_of(findings: Findings) -> tuple[FindingView, ...]:
    """Return what the guard found, leaks first, each in one sentence; empty if it looked and found nothing."""
    leaks = [FindingView(leak.feature, _leak(leak)) for leak in findings.leaks]
    return (*leaks, *(FindingView(one.feature, _suspicion(one)) for one in findings.suspicious))


def contract_of(artifact: ArtifactManifest) -> ContractView:
    """Return what a model must be fed with, and the hashes that prove its training."""
    versions = FrameVersions(
        artifact.feature_payload_schema_version, artifact.feature_version, artifact.data_version, artifact.lineage_id
    )
    return ContractView(
        versions=versions,
        tokens=artifact.n_tokens,
        channels=artifact.n_channels,
        train_report_sha256=artifact.train_report_hash,
        teacher_proof=artifact.teacher_proof,
    )


def _fold(row: Mapping[str, Any], policy: str = "") -> FoldView:
    return FoldView(
        fold=row["fold"],
        train_rows=row["train_rows"],
        test_rows=row["test_rows"],
        purged_rows=row["purged_rows"],
        embargoed_rows=row["embargoed_rows"],
        overlaps=row["overlaps"],
        rank_ic=_number(row["rank_ic"]),
        mse=_number(row["mse"]),
        null_mse=_number(row["null_mse"]),
        policy=policy,
    )


def _leak(leak: Leak) -> str:
    when, cut = (iso(_moment(ns)) for ns in (leak.ts, leak.cut))
    return f"Its value at {when} changes with what came after {cut} ({leak.experiment})."


def _suspicion(found: Suspicion) -> str:
    what = "Whether it is missing" if found.is_of_missingness else "It"
    size = f"{found.rank_correlation:+.2f} over {found.rows:,} rows".replace("-", "−")
    return f"{what} has a rank correlation of {size} with what comes next: nothing honest predicts so well."


def _moment(ns: int) -> datetime:
    return EARLIEST + timedelta(microseconds=ns // 1_000)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
