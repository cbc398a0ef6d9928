"""Reports of models: full, bare, and with foreign words wherever somebody else may choose them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from distill_platform.models.chain.entrants import Role
from distill_platform.models.report.view import (
    CalibrationView,
    ContractView,
    CostCurveView,
    Decision,
    DriftView,
    EquityView,
    FindingView,
    FoldView,
    IdentityView,
    ImportanceView,
    InformationUnit,
    InformationView,
    LearningView,
    ModelReportView,
    NullView,
    OpeningView,
    ReasonView,
    ResultView,
    TrialsView,
    VerdictView,
    WindowView,
)
from distill_platform_tests.models.made_frames import VERSIONS

MONDAY = datetime(2026, 4, 20, tzinfo=UTC)
REASONS = (
    ReasonView("not_better_than_arm", "it earned 1.20% after costs, and control arm ridge 2.00%", 0.012, 0.02),
    ReasonView("verdict_not_passed", "the world does not pass its run", "fail", "pass"),
    ReasonView("forward_not_opened", "the forward window was never opened"),
)
NO_COSTS = CostCurveView((), 0.0, 0.0, float("nan"))


def weeks(number: int) -> datetime:
    return MONDAY + timedelta(weeks=number)


def equity(name: str, role: Role, seed: int, days: int = 112) -> EquityView:
    first = np.datetime64("2025-12-29", "D")
    return EquityView(name, role, first + np.arange(days), np.random.default_rng(seed).normal(5e-4, 0.01, days))


def results(window: str, **nets: float) -> tuple[ResultView, ...]:
    return tuple(ResultView(name, window, net, 0.01, 1.1, 0.04, 31.0, 56) for name, net in nets.items())


def view(**changes: Any) -> ModelReportView:
    """Return a report that has everything, of a candidate that is refused, with changes."""
    full = ModelReportView(
        identity=IdentityView(
            "btc_hourly", "2026-04-20", "blend", Role.CANDIDATE, "ensemble", "blend_alpha_0.35", "2026-04-20", "d" * 64,
            "btc_hourly.blend-1", "crypto_hourly", ("BTC", "ETH"), weeks(-68), weeks(-16),
            (("student", 3), ("teacher", 1)), "0.1.0+abc",
        ),
        verdict=VerdictView(Decision.REFUSED, REASONS),
        windows=(
            WindowView("search", weeks(-68), weeks(-16)), WindowView("validation", weeks(-16), weeks(-8)),
            WindowView("forward", weeks(-8), weeks(0)),
        ),
        results=(
            *results("validation", blend=0.012, ridge=0.02, trees=-0.01),
            *results("forward", blend=0.034, ridge=0.005, trees=-0.02),
        ),
        folds=tuple(
            FoldView(number, 8_000, 2_000, 48, 96, 0, 0.02 * number - 0.01, 1.01, 1.02, f"blend_alpha_0.{35 + number}")
            for number in range(4)
        ),
        null=NullView(0.031, np.linspace(-0.04, 0.04, 99), 0.12, 51),
        learning=LearningView((1.2, 1.1, 1.05), (1.01, 0.99, 1.0), 2),
        calibration=CalibrationView(
            tuple(np.linspace(-1.5, 1.5, 10).tolist()), tuple(np.linspace(-0.1, 0.2, 10).tolist()), (0.05,) * 10,
            (900,) * 10,
        ),
        costs=CostCurveView(((0.0, 0.06), (3.0, -0.03)), 0.06, 0.03, 2.0),
        equity=(equity("blend", Role.CANDIDATE, 1), equity("ridge", Role.ARM, 2), equity("trees", Role.ARM, 3)),
        importance=ImportanceView((("event_polarity_6h", 0.21), ("log_return_24", -0.11), ("weekday", 0.0)), 57, 2_000),
        drift=(
            DriftView("log_return_24", 0.5, 0.2), DriftView("event_age_h", 0.1, 0.2),
            DriftView("volume_z", float("nan"), 0.2),
        ),
        information=(InformationView(2.4e-4, -1e-5, 4.9e-4, 0.06, 112, InformationUnit.NET_RETURN),),
        trials=TrialsView(40, 5, (OpeningView(1, "btc_hourly", weeks(0), "weekly job", 5),)),
        findings=(FindingView("event_polarity_6h", "It has a rank correlation of +0.42 with what comes next"),),
        contract=ContractView(VERSIONS, 24, 57, "e" * 64, "f" * 64),
    )  # fmt: skip
    return replace(full, **changes)


def promoted() -> ModelReportView:
    """Return a report of a candidate that nothing speaks against."""
    return view(verdict=VerdictView(Decision.RECOMMENDED), findings=())


def bare() -> ModelReportView:
    """Return a report of a control arm that was only scored, of which nothing was measured."""
    arm = view()
    identity = replace(arm.identity, name="ridge", role=Role.ARM, kind="ridge", policy=None, seeds=())
    return view(
        identity=identity, verdict=VerdictView(Decision.NOT_UP), results=(), folds=(), null=None, learning=None,
        calibration=None, costs=NO_COSTS, equity=(), importance=None, drift=(), information=(),
        trials=TrialsView(1, 0, ()), findings=None, contract=replace(arm.contract, teacher_proof=None),
    )  # fmt: skip


def view_with(text: str) -> ModelReportView:
    """Return a full report in which every word that comes from elsewhere is that text."""
    full = view()
    words = dict.fromkeys(("line", "name", "policy", "version", "run_id", "world_id", "code_version"), text)
    return view(
        identity=replace(full.identity, **words, symbols=(text,), seeds=((text, 1),)),
        verdict=VerdictView(Decision.REFUSED, (ReasonView(text, text, text, text),)),
        results=tuple(replace(result, contender=text) for result in full.results),
        folds=tuple(replace(fold, policy=text) for fold in full.folds),
        equity=tuple(replace(line, contender=text) for line in full.equity),
        importance=ImportanceView(((text, 0.2), (text, -0.1)), 57, 2_000),
        drift=(DriftView(text, 0.5, 0.2),),
        trials=TrialsView(40, 5, (OpeningView(1, text, MONDAY, text, 5),)),
        findings=(FindingView(text, text),),
        contract=replace(full.contract, versions=replace(VERSIONS, feature_version=text)),
    )
