"""Metrics in words, and in the unit that the catalogue declares."""

import math

import pytest
from hypothesis import given, strategies as st

from distill_platform.evaluation.report import measured
from distill_platform.policy.catalogue import CATALOGUE


@given(st.sampled_from(sorted(CATALOGUE)), st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text()))
def test_every_metric_is_shown_with_any_value(metric: str, value: object) -> None:
    assert measured.shown(metric, value).isprintable()  # type: ignore[arg-type]
    assert measured.name(metric)


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("returns.max_drawdown", 0.214, "21.4 %"),
        ("returns.max_drawdown", 0.0031, "0.31 %"),
        ("robustness.dsr", 0.31, "0.31"),
        ("sample.data_lag_s", 90_000.0, "1.0 days"),
        ("sample.data_lag_s", 30.0, "30 seconds"),
        ("sample.effective_history_years", 5.43, "5.4 years"),
        ("stress.breakeven_bps", 4.2, "4.2 bps"),
        ("stress.fees_x2.net_sharpe", 0.72, "0.72"),
        ("risk.turnover_annual", math.nan, "not measured"),
        ("invariants.fee_nonzero", True, "yes"),
    ],
)
def test_a_metric_has_the_unit_of_the_catalogue(metric: str, value: float, shown: str) -> None:
    assert measured.shown(metric, value) == shown
