"""The deflated Sharpe ratio: falls with the trials and with their dispersion, and passes luck as rarely as it says."""

import math
import statistics
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.dsr import dsr, dsr_benchmark, dsr_from_moments
from distill_platform.stats.maxima import expected_max_z
from distill_platform.stats.psr import psr

PAPER = {"sr": 2.5 / math.sqrt(250), "n_obs": 1250, "skew": -3.0, "kurt": 10.0}
RETURNS = [0.012, -0.008, 0.005, 0.021, -0.015, 0.003, 0.009, -0.002, 0.017, -0.011, 0.004, 0.006]
TRIALS = [0.02, 0.05, -0.01, 0.31, 0.03]

variances = st.floats(1e-6, 1.0)
counts = st.integers(2, 10**9)


def test_the_example_of_the_paper() -> None:
    assert round(dsr_from_moments(**PAPER, var_trials=0.5 / 250, n_trials=100), 4) == 0.9004
    assert round(dsr_from_moments(**PAPER, var_trials=0.5 / 250, n_trials=46), 4) == 0.9505


def test_listed_trials_are_their_number_and_variance() -> None:
    for ddof, variance in ((1, statistics.variance(TRIALS)), (0, statistics.pvariance(TRIALS))):
        listed = dsr_from_moments(**PAPER, trial_srs=TRIALS, ddof=ddof)
        assert listed == pytest.approx(dsr_from_moments(**PAPER, var_trials=variance, n_trials=5), rel=1e-12)


def test_dsr_of_a_series_is_its_psr_against_the_benchmark() -> None:
    hurdle = dsr_benchmark(statistics.variance(TRIALS), 5, "exact")
    assert hurdle == pytest.approx(statistics.stdev(TRIALS) * expected_max_z(5, "exact"), rel=1e-14)
    assert dsr(RETURNS, TRIALS, method="exact") == pytest.approx(psr(RETURNS, hurdle), rel=1e-12)
    with_holes = dsr([math.nan, *RETURNS], TRIALS, method="exact", nan_policy="omit")
    assert with_holes == pytest.approx(psr(RETURNS, hurdle), rel=1e-12)


@pytest.mark.parametrize("trials", [{"trial_srs": [0.3]}, {"var_trials": 0.0, "n_trials": 1}, {"trial_srs": [0.3] * 9}])
def test_one_trial_or_equal_trials_are_no_selection(trials: dict[str, Any]) -> None:
    assert dsr(RETURNS, **trials) == pytest.approx(psr(RETURNS), rel=1e-12)


def test_deep_in_the_tail_dsr_is_not_zero() -> None:
    found = dsr_from_moments(0.0, 1001, 0.0, 3.0, var_trials=0.05, n_trials=1000)
    with mpmath.workdps(30):
        truth = mpmath.ncdf(-mpmath.sqrt(1000) * mpmath.mpf(dsr_benchmark(0.05, 1000)))
    assert 0 < found < 1e-100
    assert found == pytest.approx(float(truth), rel=1e-10)


@pytest.mark.parametrize(
    ("trials", "says"),
    [
        ({}, "pass the Sharpe ratios"),
        ({"n_trials": 10}, "pass the Sharpe ratios"),
        ({"var_trials": 0.1}, "pass the Sharpe ratios"),
        ({"trial_srs": TRIALS, "n_trials": 3}, "drop var_trials and n_trials"),
        ({"trial_srs": TRIALS, "var_trials": 0.1}, "drop var_trials and n_trials"),
        ({"trial_srs": []}, "empty"),
        ({"trial_srs": [0.1, math.nan]}, "trial_srs is NaN at 1"),
        ({"trial_srs": [0.1, math.inf]}, "trial_srs is infinite"),
        ({"var_trials": -0.1, "n_trials": 3}, "var_trials"),
        ({"var_trials": math.nan, "n_trials": 3}, "var_trials"),
        ({"var_trials": math.inf, "n_trials": 3}, "var_trials"),
        ({"var_trials": 0.1, "n_trials": 0}, "n_trials"),
    ],
)
def test_trials_must_be_told_once_and_make_sense(trials: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        dsr_from_moments(**PAPER, **trials)
    with pytest.raises(ValueError, match=says):
        dsr(RETURNS, **trials)


def test_a_constant_series_has_no_dsr() -> None:
    assert math.isnan(dsr([0.01] * 20, TRIALS))


@given(variances, counts, st.floats(1.1, 100))
def test_dsr_falls_with_the_number_of_trials(variance: float, n_trials: int, factor: float) -> None:
    few, many = (dsr_from_moments(**PAPER, var_trials=variance, n_trials=n) for n in (n_trials, n_trials * factor))
    assert many < few or few == 0.0


@given(variances, counts, st.floats(1.01, 100))
def test_dsr_falls_with_the_dispersion_of_the_trials(variance: float, n_trials: int, factor: float) -> None:
    narrow, wide = (dsr_from_moments(**PAPER, var_trials=v, n_trials=n_trials) for v in (variance, variance * factor))
    assert wide < narrow or narrow == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gumbel_approx", "exact"])
@pytest.mark.parametrize("n_trials", [1, 10, 100, 1000])
def test_dsr_passes_at_most_five_percent_of_the_best_of_skill_less_trials(n_trials: int, method: str) -> None:
    rng, n_simulations, n_rows = np.random.default_rng(n_trials), 1000, 125
    passed = 0
    for _ in range(n_simulations):
        panel = rng.standard_normal((n_rows, n_trials))
        trials = panel.mean(axis=0) / panel.std(axis=0, ddof=1)
        passed += dsr(panel[:, trials.argmax()], trials, method=method) >= 0.95
    assert passed / n_simulations <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / n_simulations)


@pytest.mark.slow
def test_an_effective_number_of_trials_beside_the_sample_variance_lets_luck_pass() -> None:
    """Trials that share half of their variance: their sample variance says so already."""
    rng, n_simulations, passed = np.random.default_rng(5), 1000, np.zeros(2)
    for _ in range(n_simulations):
        panel = math.sqrt(0.5) * (rng.standard_normal((125, 100)) + rng.standard_normal((125, 1)))
        trials = panel.mean(axis=0) / panel.std(axis=0, ddof=1)
        best = panel[:, trials.argmax()]
        for place, n_trials in enumerate((100, 10)):
            passed[place] += dsr(best, var_trials=trials.var(ddof=1), n_trials=n_trials) >= 0.95
    once, twice = passed / n_simulations
    assert once < twice
