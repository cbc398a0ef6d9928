"""Views to draw reports from: a run with everything, and what can be missing or wrong in one."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from distill_platform.evaluation.report.view import (
    ContributionView,
    CorrelationView,
    CostView,
    DailyView,
    FoldView,
    GamingView,
    PolicyView,
    RegimeView,
    ReleaseView,
    ReportView,
    ScenarioView,
    SummaryView,
    TriageView,
    TrialsView,
)
from distill_platform.policy.gates import GateResult
from distill_platform.policy.rules.result import RuleResult, numbers
from distill_platform.policy.words import GateStatus, Owner, RecommendedStage, Severity, Status
from distill_platform.strategies.bundles.manifest import RunManifest

NAN = math.nan
START = datetime(2019, 1, 2, tzinfo=UTC)


def manifest(**changes: Any) -> RunManifest:
    fields: dict[str, Any] = {
        "schema_version": 1, "run_id": "run-0042", "world_id": "us_equity_daily", "strategy_id": "momentum_carry",
        "stage": "backtest", "run_source": "prod", "score_source": "model", "data_regime": "prod_live",
        "commit_sha": "3f9c2a1", "code_version": "1.4.0", "data_preset": "ohlcv.sp500.daily",
        "dataset_fingerprint": "d" * 64, "as_of": "2024-06-01T00:00:00Z",
        "window": {"start": "2019-01-02T00:00:00Z", "end": "2024-05-31T00:00:00Z"},
        "profiles": {"fee": {"bps": 1.0}, "slippage": {"bps": 1.0}, "fill": {}, "funding": {}},
        "seeds": {"search": 7}, "rounding": {}, "cohort_id": "cohort-1", "campaign_id": "campaign-1",
        "search": {"declared_trials": 48, "trial_index": 12, "parameters": {"lookback": 60}},
        "nodes": [], "ablation_spec": None, "parent_run_id": None, "supersedes": None, "repro_hash": "a" * 64,
        "model": None, "ensemble_policy": None, "sizing": {},
    }  # fmt: skip
    return RunManifest.model_validate({**fields, **changes})


def daily(n_days: int, seed: int = 3, mean: float = 0.0004, spread: float = 0.008) -> DailyView:
    rng = np.random.default_rng(seed)
    days = np.arange(np.datetime64("2019-01-02"), np.datetime64("2019-01-02") + 2 * n_days + 9)
    days = days[np.is_busday(days)][:n_days]
    noise = rng.standard_t(4, size=n_days) / math.sqrt(2)
    net = mean + spread * (noise - noise.mean())
    return DailyView(days, net, net + 0.00012)


def folds(n_folds: int = 9) -> tuple[FoldView, ...]:
    rng = np.random.default_rng(5)
    splits = ["search"] * 5 + ["validation"] * 2 + ["forward_oos"] * 2
    spans = [(START + timedelta(days=215 * fold), START + timedelta(days=215 * (fold + 1))) for fold in range(n_folds)]
    return tuple(
        FoldView(fold, splits[min(fold, 8)], *span, *(0.05 * rng.normal(0.5, 0.7, size=2)).tolist())
        for fold, span in enumerate(spans)
    )


METRICS: dict[str, Any] = {
    "returns.sharpe_daily": 1.05, "returns.sharpe_standard_error": 0.41, "returns.max_drawdown": 0.214,
    "returns.sharpe_method": "daily_agg_v1", "returns.total_return": 0.62, "returns.annual_return": 0.094,
    "returns.annual_volatility": 0.131, "returns.var_95": 0.0121, "returns.var_99": 0.0197, "returns.es_95": 0.0171,
    "returns.es_99": 0.0254, "returns.skewness": -0.31, "returns.kurtosis": 6.4, "returns.sharpe_step_raw": 0.055,
    "returns.gain_to_pain_ratio": 1.21, "returns.time_under_water_ratio": 0.83,
    "sample.effective_history_years": 5.4, "sample.observation_days": 1360, "sample.n_trades_total": 812,
    "sample.n_trades_per_year": 150.3, "sample.completed_runs": 3, "sample.vol_floor_applied": False,
    "risk.turnover_annual": 38.2, "risk.adv_utilization_p95": 0.021, "risk.participation_rate_p95": 0.011,
    "risk.reject_rate": 0.004, "robustness.probabilistic_sharpe_ratio": 0.994,
    "robustness.deflated_sharpe_ratio": 0.31, "robustness.pbo": 0.44, "robustness.bootstrap_p_positive": 0.991,
    "robustness.min_track_record_days": 2710.0, "robustness.expected_max_sharpe": 1.31, "robustness.n_trials": 51,
    "robustness.sharpe_first_half": 1.7, "robustness.sharpe_second_half": 0.4, "robustness.sharpe_gap": 1.3,
    "robustness.reality_check_p": 0.21, "wf.n_folds": 9, "wf.oos_sum_pnl": 0.11, "wf.fold_sign_stability": 0.78,
    "wf.worst_fold_pnl": -0.031, "wf.oos_is_ratio": 0.52, "stress.slippage_bps_2.net_sharpe": 0.61,
    "stress.breakeven_bps": 4.2, "regime.fragile": True, "regime.worst_sharpe": -0.42,
    "portfolio.max_correlation": 0.61, "portfolio.tail_correlation": 0.78, "portfolio.marginal_var_99": 0.0031,
    "portfolio.marginal_es_99": 0.0042, "portfolio.portfolio_sharpe_uplift": 0.08,
    "portfolio.correlation_source": "measured", "invariants.pnl_sums_match": True, "invariants.fee_nonzero": True,
    "invariants.repro_hash_match": True, "invariants.clock_monotone": True, "triage.friction_dominates": False,
    "triage.sample_starved": False, "diagnostics.run_source": "prod", "diagnostics.search_intensity": 51.0,
}  # fmt: skip


def bound(metric: str, parameter: str, observed: Any, threshold: float, code: str = "ok") -> dict[str, Any]:
    """Return the details of one bound, as a rule's result holds them."""
    side = 1 if parameter.startswith("min") else -1
    margin = side * (observed - threshold) if isinstance(observed, int | float) else None
    named = {"parameter": parameter, "metric": metric, "reason_code": code}
    return {**named, "observed": observed, "threshold": threshold, "margin": margin}


def rule(name: str, status: str, *bounds: dict[str, Any], severity: str = "blocking", reason: str = "") -> RuleResult:
    """Return a rule's result with its bounds, the decisive one first."""
    first = next((found for found in bounds if found["reason_code"] != "ok"), bounds[0])
    details = {key: first[key] for key in ("observed", "threshold", "margin")}
    code = first["reason_code"]
    return RuleResult(name, Status(status), Severity(severity), Owner.QUANT, code, reason or name, (), details, bounds)


def gate(stage: str, status: str, *reasons: str, judged: bool = True) -> GateResult:
    return GateResult(stage, GateStatus(status), reasons, judged)


def not_asked(name: str) -> RuleResult:
    """Return the result of a rule that the profile sets no parameter of."""
    code = "not_configured"
    return RuleResult(
        name, Status.PASS, Severity.INFO, Owner.OPS, code, "not asked for", (code,), numbers(None, None, None)
    )


DSR = "robustness.deflated_sharpe_ratio"
RESULTS = (
    not_asked("data_currency"),
    rule("sample", "pass", bound("sample.effective_history_years", "min_effective_years", 5.4, 2.0),
         bound("sample.n_trades_total", "min_trades_total", 812, 50.0)),
    rule("performance", "pass", bound("returns.sharpe_daily", "min_sharpe", 1.05, 0.5),
         bound("returns.max_drawdown", "max_drawdown", 0.214, 0.25)),
    rule("risk_constraint", "pass", bound("risk.adv_utilization_p95", "max_adv_utilization_p95", 0.021, 0.5)),
    rule("robustness", "fail", bound(DSR, "min_dsr", 0.31, 0.95, "deflated_sharpe_ratio_below_min"),
         bound("robustness.pbo", "max_pbo", 0.44, 0.2, "pbo_above_max")),
    rule("stress", "fail", bound("stress.spread_x3.net_sharpe", "min_net_sharpe", -0.18, 0.0, "net_sharpe_below_min"),
         severity="soft"),
    rule("benchmark", "fail", bound("benchmark.vs_benchmark_sharpe", "min_vs_benchmark_sharpe", None, 0.1,
         "missing_metric"), severity="soft"),
)  # fmt: skip
CLOSED = "not judged: stage2_wf has not opened"
GATES = (
    gate("stage0_integrity", "pass", "all 2 expressions hold"),
    gate("stage1_dev", "pass", "all 2 expressions hold"),
    gate("stage2_wf", "fail", f"robustness.dsr >= 0.95 does not hold: {DSR} is 0.31"),
    gate("stage3_stress", "insufficient_observation", CLOSED, judged=False),
    gate("stage4_paper_forward", "insufficient_observation", CLOSED, judged=False),
    gate("stage5_pilot", "insufficient_observation", CLOSED, judged=False),
)
OPEN_GATES = (
    gate("stage0_integrity", "pass", "all 2 expressions hold"),
    gate("stage1_dev", "pass", "all 2 expressions hold"),
    gate("stage2_wf", "pass", "all 2 expressions hold"),
    gate("stage3_stress", "pass", "the expression holds"),
    gate("stage4_paper_forward", "insufficient_observation", "awaits manual approval by a named person"),
    gate("stage5_pilot", "insufficient_observation", "not judged: stage4_paper_forward has not opened", judged=False),
)


def view(**changes: Any) -> ReportView:
    """Return a run with everything: folds, stress, trials, regimes, portfolio, nodes. It fails for selection bias."""
    base = ReportView(
        manifest=manifest(),
        bundle_sha256="b" * 64,
        policy=PolicyView(1, "c" * 64, "backtest", "medium"),
        metrics=METRICS,
        broken=(),
        notes=("fees were recorded on every trade",),
        daily=daily(1360),
        folds=folds(),
        scenarios=(
            ScenarioView("slippage_bps_2", 0.61, 0.241, 0.026, 0.33, 0.0, 0.3, 0.05),
            ScenarioView("fees_x2", 0.72, 0.232, 0.0259, 0.41),
            ScenarioView("spread_x3", -0.18, 0.327, 0.0262, -0.07, 0.0, 0.3, 0.05),
        ),
        costs=CostView(tuple((float(bps), 1.05 - 0.25 * bps) for bps in range(11)), 4.2),
        trials=TrialsView(51, 48, 40, 3, 2, 1.31, 1.05, 0.31, 0.44, 0.21),
        results=RESULTS,
        gates=GATES,
        summary=SummaryView(Status.FAIL, RecommendedStage.BACKTEST_ONLY),
        gaming=(
            GamingView("supersede_to_pass", False, "no failing run was superseded"),
            GamingView("cost_change", True, "costs fell from 5.0/3.0 to 1.0/1.0 bps after run-0040 failed"),
            GamingView("threshold_change_after_failure", None, "the policy has no earlier version"),
            GamingView("duplicate_evidence", False, "no two runs are bit-identical"),
            GamingView("pass_by_inactivity", False, "the run was in the market on 96 % of its days"),
        ),
        regimes=(
            RegimeView("low volatility", 453, 1.9, 0.8, 0.28, 0.05),
            RegimeView("mid volatility", 454, 1.2, 0.8, 0.25, 0.08),
            RegimeView("high volatility", 453, -0.42, 0.8, -0.07, 0.214),
        ),
        correlations=(CorrelationView("mean_reversion", 0.61, 0.78), CorrelationView("carry_fx", 0.12, 0.2)),
        contributions=(
            ContributionView("momentum", 0.81, 0.4, 1.2, (("low volatility", 1.1), ("high volatility", 0.2))),
            ContributionView("carry", 0.22, -0.1, 0.5),
            ContributionView("news_filter", -0.12, -0.3, 0.05),
        ),
        release=ReleaseView((), 12, (("run_source is smoke", 2), ("data_regime is mixed", 1))),
        triage=TriageView(("overfit_risk",), "The search tried more than the record can carry"),
    )
    return replace(base, **changes)


def bare(n_days: int = 1, net: float = NAN) -> ReportView:
    """Return a run of which nothing could be measured."""
    days = np.datetime64("2024-01-01") + np.arange(n_days)
    flat = np.full(n_days, net)
    return view(
        metrics={name: NAN if isinstance(value, float) else None for name, value in METRICS.items()},
        daily=DailyView(days.astype("datetime64[D]"), flat, flat), folds=(), scenarios=(), costs=CostView((), NAN),
        trials=TrialsView(1, 1, 1, 0, 0, NAN, NAN, NAN, NAN, NAN), results=(), gates=(), regimes=(), correlations=(),
        contributions=(), gaming=(), triage=TriageView((), ""), broken=("pnl_sums_match",), notes=(),
        release=ReleaseView(("run_source is smoke",), 0, (("run_source is smoke", 1),)),
    )  # fmt: skip


def passing(**changes: Any) -> ReportView:
    """Return a run that holds everything asked for: one trial, all gates open up to a person's decision."""
    alone = TrialsView(1, 1, 1, 0, 0, 0.0, 1.05, 0.981, NAN, NAN)
    summary = SummaryView(Status.PASS, RecommendedStage.PAPER_OK_LIVE_CANDIDATE)
    good = view(results=RESULTS[:4], gates=OPEN_GATES, summary=summary, trials=alone, gaming=())
    return replace(good, **changes)
