"""Every metric is declared once and completely; aliases and stress scenarios lead no further."""

import re

import pytest

from distill_platform.core.expression import Kind, compile_expression
from distill_platform.policy.catalogue import ALIASES, CATALOGUE, PATTERNS, Direction, canonical, kinds, metric

CONTRACT = """
returns: sharpe_daily sharpe_step_raw sharpe_method sharpe_standard_error max_drawdown gain_to_pain_ratio
returns: time_under_water_ratio var_95 es_95 var_99 es_99 total_return annual_return annual_volatility skewness kurtosis
sample: effective_history_years observation_days n_trades_total n_trades_per_year completed_runs vol_floor_applied
sample: data_lag_s data_coverage
risk: adv_utilization_p95 participation_rate_p95 reject_rate turnover_annual incremental_var_99 incremental_es_99
risk: mean_exposure max_exposure
robustness: probabilistic_sharpe_ratio deflated_sharpe_ratio pbo bootstrap_p_positive min_track_record_days
robustness: sharpe_first_half sharpe_second_half sharpe_gap reality_check_p expected_max_sharpe n_trials
wf: n_folds oos_sum_pnl fold_sign_stability worst_fold_pnl oos_is_ratio
stress: breakeven_bps
regime: fragile worst_sharpe best_sharpe n_regimes sharpe_low_vol sharpe_mid_vol sharpe_high_vol
invariants: pnl_sums_match steps_add_up daily_matches_steps equity_reconciles fee_nonzero friction_recorded
invariants: clock_monotone before_as_of no_duplicates repro_hash_match returns_above_minus_one
triage: friction_dominates sample_starved zero_trades no_activity integrity_broken
portfolio: max_correlation tail_correlation marginal_var_99 marginal_es_99 portfolio_sharpe_uplift correlation_source
benchmark: vs_benchmark_sharpe correlation beta
cohort: sharpe_median dsr_median rank n_runs n_trials sharpe_variance
live: days sharpe max_drawdown decay_ratio backtest_sharpe_ratio backtest_drawdown_ratio backtest_var_ratio
live: backtest_es_ratio
gaming: supersede_to_pass cost_change threshold_change_after_failure duplicate_evidence pass_by_inactivity
diagnostics: search_intensity strategy_complexity validation_health.metric_coverage_ratio
diagnostics: validation_health.rules_executed_ratio returns_source run_source score_source data_regime
"""


def test_the_names_are_those_of_the_contract() -> None:
    groups = (line.split(": ") for line in CONTRACT.strip().splitlines())
    assert set(CATALOGUE) == {f"{group}.{leaf}" for group, leaves in groups for leaf in leaves.split()}


def test_every_metric_is_declared_completely() -> None:
    for name, found in {**CATALOGUE, **{pattern.name: pattern for pattern in PATTERNS}}.items():
        assert found.name == name
        assert name.endswith(f".{found.leaf}")
        assert found.unit
        assert re.fullmatch(r"[a-z_]+", found.producer), name
        assert len(found.definition) > 15, name
        assert found.definition[-1] != ".", name


def test_flags_are_booleans_and_only_flags_and_names_are_no_numbers() -> None:
    for name, found in CATALOGUE.items():
        if name.split(".")[0] in ("invariants", "triage", "gaming"):
            assert found.kind is Kind.BOOLEAN
            good = name.startswith("invariants.")
            assert found.direction is (Direction.HIGHER if good else Direction.LOWER)
        if found.kind is Kind.STRING:
            assert found.unit == "name"


def test_an_alias_leads_to_a_metric_and_is_none_itself() -> None:
    assert dict(ALIASES) == {
        "perf.net_sharpe": "returns.sharpe_daily",
        "robustness.dsr": "robustness.deflated_sharpe_ratio",
        "robustness.psr": "robustness.probabilistic_sharpe_ratio",
        "invariants.pnlsums": "invariants.pnl_sums_match",
        "determinism.repro_hash_match": "invariants.repro_hash_match",
    }
    assert set(ALIASES.values()) <= set(CATALOGUE)
    assert not set(ALIASES) & set(CATALOGUE)
    assert canonical("robustness.dsr") == "robustness.deflated_sharpe_ratio"
    assert canonical("anything.else") == "anything.else"


def test_a_stress_metric_needs_its_scenario() -> None:
    found = metric("stress.fees_x2.net_sharpe")
    assert found is not None
    assert (found.name, found.unit, found.kind) == ("stress.fees_x2.net_sharpe", "per year", Kind.NUMBER)
    for name in ("stress.net_sharpe", "stress.a.b.net_sharpe", "stress.9x.es_99", "stress..es_99", "stress.a.sharpe"):
        assert metric(name) is None


@pytest.mark.parametrize("name", ["returns.sharpe", "sharpe_daily", "", "stress", "Returns.sharpe_daily"])
def test_a_name_that_nobody_declared_is_no_metric(name: str) -> None:
    assert metric(name) is None


def test_expressions_know_every_metric_and_the_scenarios_of_the_world() -> None:
    known = kinds(["fees_x2"])
    text = "stress.fees_x2.net_sharpe >= 0 && invariants.fee_nonzero && diagnostics.run_source == 'prod'"
    rule = compile_expression(text, known, ALIASES)
    assert rule.names == ("diagnostics.run_source", "invariants.fee_nonzero", "stress.fees_x2.net_sharpe")
    assert "stress.fees_x3.net_sharpe" not in known
