"""Selection bias in other packages: agreement where they are right, and what they do where they are not."""

import importlib
import math
import warnings
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

from distill_platform.stats.dsr import dsr, dsr_from_moments
from distill_platform.stats.maxima import expected_max_z
from distill_platform.stats.pbo import pbo_cscv
from distill_platform.stats.psr import psr
from distill_platform.stats.track_record import min_btl_years

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def peer(name: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


@pytest.fixture
def returns() -> npt.NDArray[np.float64]:
    return np.random.default_rng(0).standard_t(5, 250) * 0.01 + 0.0008


@pytest.fixture
def trials() -> npt.NDArray[np.float64]:
    return np.random.default_rng(1).normal(0, 0.06, 20)


@pytest.fixture
def panel() -> npt.NDArray[np.float64]:
    return np.random.default_rng(2).normal(0, 0.01, (163, 7))


def test_skfolio_agrees_on_psr_and_dsr(returns: npt.NDArray[np.float64], trials: npt.NDArray[np.float64]) -> None:
    skfolio = peer("skfolio.measures._measures")
    assert skfolio.probabilistic_sharpe_ratio(returns, 0.03) == pytest.approx(psr(returns, 0.03), rel=1e-12)
    assert skfolio.deflated_sharpe_ratio(returns, trials) == pytest.approx(dsr(returns, trials), rel=1e-11)
    assert skfolio.expected_max_sharpe_ratio(100, 1.0) == pytest.approx(expected_max_z(100), rel=1e-12)


def test_skfolio_has_a_negative_maximum_of_a_little_more_than_one_trial() -> None:
    skfolio = peer("skfolio.measures._measures")
    assert skfolio.expected_max_sharpe_ratio(1.1, 1.0) < 0 <= expected_max_z(1.1)


def test_ffn_agrees_on_dsr_with_sample_moments(
    returns: npt.NDArray[np.float64], trials: npt.NDArray[np.float64]
) -> None:
    pandas, ffn = peer("pandas"), peer("ffn")
    found = ffn.calc_deflated_sharpe_ratio(pandas.Series(returns), trials, nperiods=252, annualized_trials=False)
    assert found == pytest.approx(dsr(returns, trials, moments="sample"), rel=1e-10)


def test_purgedcv_agrees_with_sample_moments_and_ddof_0(
    returns: npt.NDArray[np.float64], trials: npt.NDArray[np.float64]
) -> None:
    purgedcv, variance = peer("purgedcv"), float(trials.var(ddof=1))
    found = purgedcv.probabilistic_sharpe_ratio(returns, 0.03)
    assert found == pytest.approx(psr(returns, 0.03, ddof=0, moments="sample"), rel=1e-12)
    deflated = dsr(returns, var_trials=variance, n_trials=20, ddof=0, moments="sample")
    assert purgedcv.deflated_sharpe_ratio(returns, 20, variance) == pytest.approx(deflated, rel=1e-11)
    assert purgedcv.minimum_backtest_length(45) == pytest.approx(min_btl_years(45), rel=1e-12)


def test_ffn_agrees_on_pbo_to_the_bit(panel: npt.NDArray[np.float64]) -> None:
    pandas, ffn = peer("pandas"), peer("ffn")
    theirs = ffn.calc_prob_backtest_overfitting(pandas.DataFrame(panel), n_blocks=8, full_output=True)
    ours = pbo_cscv(panel, 8)
    assert theirs["pbo"] == ours.pbo
    np.testing.assert_array_equal(theirs["logits"].to_numpy(), ours.logits)


def test_ffn_ranks_scaled_copies_by_their_rounding(panel: npt.NDArray[np.float64]) -> None:
    pandas, ffn = peer("pandas"), peer("ffn")
    scaled = np.column_stack([panel[:160, 0] * factor for factor in (1.0, 0.3, 0.7, 1.1, 3.3)])
    theirs = ffn.calc_prob_backtest_overfitting(pandas.DataFrame(scaled), n_blocks=8, full_output=True)
    assert theirs["logits"].nunique() > 1  # the strategies are one and the same
    assert set(pbo_cscv(scaled, 8).logits) == {0.0}


def test_purgedcv_agrees_on_the_logits_of_divisible_panels(panel: npt.NDArray[np.float64]) -> None:
    theirs = peer("purgedcv").probability_of_backtest_overfitting(panel[:160].T.copy(), 8)
    ours = pbo_cscv(panel, 8)
    np.testing.assert_array_equal(theirs.logits[::-1], ours.logits)  # its combinations are ours out of sample
    assert theirs.slope == pytest.approx(ours.degradation_slope, rel=1e-9)


def test_purgedcv_does_not_count_the_median_as_overfit(panel: npt.NDArray[np.float64]) -> None:
    theirs = peer("purgedcv").probability_of_backtest_overfitting(panel[:160].T.copy(), 8)
    ours = pbo_cscv(panel, 8)
    assert theirs.pbo == ours.count_strictly_below / ours.n_combos < ours.pbo == ours.count_overfit / ours.n_combos


def test_purgedcv_cuts_uneven_blocks_where_we_drop_the_last_rows(panel: npt.NDArray[np.float64]) -> None:
    theirs = peer("purgedcv").probability_of_backtest_overfitting(panel.T.copy(), 8)
    assert sorted(theirs.logits) != sorted(pbo_cscv(panel, 8).logits)


def test_purgedcv_gives_a_constant_strategy_the_rank_of_zero(panel: npt.NDArray[np.float64]) -> None:
    constant = panel[:160].copy()
    constant[:, 0] = -0.5
    theirs = peer("purgedcv").probability_of_backtest_overfitting(constant.T.copy(), 8)
    assert math.isfinite(theirs.pbo)  # a sure loss of half the money, every day, beats every loser
    with pytest.raises(ValueError, match="constant"):
        pbo_cscv(constant, 8)


def test_skfolio_has_an_infinite_benchmark_for_very_many_trials() -> None:
    """1 - 1/N has no digits left at N = 1e17; the upper tail has all of them."""
    skfolio = peer("skfolio.measures._measures")
    assert skfolio.expected_max_sharpe_ratio(1e17, 1.0) == math.inf
    assert expected_max_z(1e17) == pytest.approx(expected_max_z(1e17, "exact"), rel=1e-3)
    assert dsr_from_moments(0.5, 500, 0.0, 3.0, var_trials=1e-3, n_trials=1e17) > 0.99
