"""The world of the contract's example, ways to change it, and the metrics of a run that passes in it."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from distill_platform.policy.metrics_file import flatten
from distill_platform.policy.ranking import MetricsLine
from distill_platform.policy.world import World, load_world

EXAMPLE = """\
world_id: us_equity_daily
version: 1
risk_profile: {tier: medium, client_critical: false}
data: {presets: [{id: ohlcv.sp500.daily, interval: 1d}]}
validation: {on_error: fail, on_missing_metric: fail}
validation_profiles:
  backtest:
    sample: {min_effective_years: 2.0, min_trades_total: 50}
    performance: {min_sharpe: 0.5, max_drawdown: 0.25, min_gain_to_pain: 1.0}
    risk_constraint: {max_adv_utilization_p95: 0.5, max_participation_rate_p95: 0.4}
    robustness: {min_dsr: 0.95, max_pbo: 0.2, severity: blocking, owner: quant}
  paper:
    sample: {min_effective_years: 3.0}
    performance: {min_sharpe: 0.8, max_drawdown: 0.2}
    paper_shadow_consistency: {min_sharpe_ratio: 0.5}
default_profile_by_stage: {backtest_only: backtest, paper_only: paper}   # stage backtest, paper, live
selection:
  top_k: {metric: returns.sharpe_daily, k: 3}
  correlation: {max: 0.8}
  hysteresis: {metric: returns.sharpe_daily, enter: 0.6, exit: 0.4}
stage_gates:
  stage0_integrity: {blocking: ["invariants.pnl_sums_match == true", "invariants.fee_nonzero == true"]}
  stage1_dev: {blocking: ["perf.net_sharpe >= 0.3", "triage.friction_dominates == false"], watch: ["triage.sample_starved == true"]}
  stage2_wf: {blocking: ["wf.oos_sum_pnl > 0", "robustness.dsr >= 0.95"], watch: ["robustness.pbo > 0.2"]}
  stage3_stress: {blocking: ["stress.slippage_bps_2.net_sharpe >= 0.0"], watch: ["regime.fragile == true"]}
  stage4_paper_forward: {governance: manual_approval}
  stage5_pilot: {governance: two_key}
costs: {fee_bps: 1.0, slippage_bps: 1.0, funding_bps_daily: 0.0}
stress_grid: [{name: slippage_bps_2, slippage_bps: 2.0}, {name: fees_x2, fee_multiplier: 2.0}, {name: spread_x3, spread_multiplier: 3.0}]
governance: {allow_live: false, approvers: [], keys: 2, cooldown: 10d, max_live_slots: 3}
"""  # noqa: E501


def example() -> dict[str, Any]:
    """The example as plain values."""
    values: dict[str, Any] = yaml.safe_load(EXAMPLE)
    return values


def world(**changes: Any) -> World:
    """The example with some of its keys replaced; a key set to None is left out."""
    values = {name: value for name, value in {**example(), **changes}.items() if value is not None}
    return World.model_validate(values)


def demanding(**rules: Any) -> World:
    """A world whose backtest profile has these rules, and that selects whatever does not fail."""
    profiles = {"backtest": rules}
    return world(validation_profiles=profiles, default_profile_by_stage={"backtest_only": "backtest"}, selection=None)


def written(folder: Path, text: str = EXAMPLE) -> Path:
    """A policy file with this text."""
    path = folder / "world.yaml"
    path.write_text(text)
    return path


def loaded(folder: Path, text: str = EXAMPLE) -> World:
    """The policy that this text declares."""
    return load_world(written(folder, text))


GOOD: dict[str, dict[str, Any]] = {
    "returns": {"sharpe_daily": 1.2, "max_drawdown": 0.1, "gain_to_pain_ratio": 1.5, "time_under_water_ratio": 0.5},
    "sample": {
        "effective_history_years": 4.0, "observation_days": 1000, "n_trades_total": 200, "n_trades_per_year": 50,
        "completed_runs": 3, "data_lag_s": 60.0, "data_coverage": 0.99,
    },
    "risk": {
        "adv_utilization_p95": 0.1, "participation_rate_p95": 0.1, "reject_rate": 0.01, "turnover_annual": 12.0,
        "incremental_var_99": -0.001, "incremental_es_99": -0.001,
    },
    "robustness": {
        "deflated_sharpe_ratio": 0.97, "probabilistic_sharpe_ratio": 0.99, "pbo": 0.1, "bootstrap_p_positive": 0.98,
        "sharpe_first_half": 1.3, "sharpe_second_half": 1.1,
    },
    "cohort": {"sharpe_median": 0.6, "dsr_median": 0.5, "rank": 1},
    "portfolio": {"portfolio_sharpe_uplift": 0.1},
    "benchmark": {"vs_benchmark_sharpe": 0.4},
    "stress": {
        "slippage_bps_2": {"net_sharpe": 0.9, "max_drawdown": 0.12, "es_99": 0.03},
        "fees_x2": {"net_sharpe": 1.0, "max_drawdown": 0.11, "es_99": 0.03},
    },
    "live": {
        "days": 90, "sharpe": 1.0, "max_drawdown": 0.05, "decay_ratio": 0.9, "backtest_sharpe_ratio": 0.8,
        "backtest_drawdown_ratio": 1.0, "backtest_var_ratio": 1.0, "backtest_es_ratio": 1.0,
    },
    "invariants": {"pnl_sums_match": True, "fee_nonzero": True},
    "triage": {"friction_dominates": False, "sample_starved": False},
    "wf": {"oos_sum_pnl": 0.2},
    "regime": {"fragile": False},
}  # fmt: skip


def nested(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Metrics of a run that passes everything, nested by group, with some changed by full name."""
    values = deepcopy(GOOD)
    for name, value in (changes or {}).items():
        *groups, leaf = name.split(".")
        place: dict[str, Any] = values
        for part in groups:
            place = place.setdefault(part, {})
        place[leaf] = value
    return values


def metrics(changes: Mapping[str, Any] | None = None, without: str = "") -> dict[str, Any]:
    """The same by full name, one of them left out."""
    flat = {**flatten(GOOD), **(changes or {})}
    return {name: value for name, value in flat.items() if name != without}


def line(strategy: str, sharpe: Any = 1.2, run: str = "r1", **changes: Any) -> MetricsLine:
    """A run that passes, with this Sharpe ratio; `group__leaf=value` changes more."""
    renamed = {name.replace("__", "."): value for name, value in changes.items()}
    return MetricsLine(strategy, run, metrics({"returns.sharpe_daily": sharpe, **renamed}))
