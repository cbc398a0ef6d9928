"""Returns against other packages: the same numbers where they are right, and tests that say where they are not."""

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from distill_platform.stats.daily import daily_returns_utc
from distill_platform.stats.drawdown import drawdown
from distill_platform.stats.moments import moments
from distill_platform.stats.sharpe import rolling_sharpe, sharpe, sharpe_annualized

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # other packages may warn as they like

RETURNS = np.random.default_rng(1).standard_t(5, size=750) * 0.01 + 0.0004
FIRST_LOSS = [-0.5, 0.0, 0.1]


def test_ffn_agrees_on_the_sharpe_ratio() -> None:
    ffn, pandas = pytest.importorskip("ffn"), pytest.importorskip("pandas")
    found = ffn.calc_sharpe(pandas.Series(RETURNS), nperiods=365)
    assert sharpe_annualized(RETURNS, 365) == pytest.approx(found, rel=1e-12)


def test_skfolio_agrees_on_the_sharpe_ratio_and_on_population_moments() -> None:
    measures = pytest.importorskip("skfolio.measures")
    assert sharpe(RETURNS) == pytest.approx(measures.mean(RETURNS) / measures.standard_deviation(RETURNS), rel=1e-12)
    assert moments(RETURNS).skew == pytest.approx(measures.skew(RETURNS), rel=1e-10)
    assert moments(RETURNS).kurt == pytest.approx(measures.kurtosis(RETURNS), rel=1e-12)


def test_scipy_agrees_on_population_moments_and_pandas_corrects_for_bias() -> None:
    scipy, pandas = pytest.importorskip("scipy.stats"), pytest.importorskip("pandas")
    found = moments(RETURNS)
    assert found.skew == pytest.approx(scipy.skew(RETURNS), rel=1e-10)
    assert found.kurt == pytest.approx(scipy.kurtosis(RETURNS, fisher=False), rel=1e-12)
    assert abs(pandas.Series(RETURNS).kurt() + 3.0 - found.kurt) > 0.01


def test_skfolio_agrees_on_drawdowns_compounded_or_not() -> None:
    measures = pytest.importorskip("skfolio.measures")
    for compound in (True, False):
        falls = measures.get_drawdowns(RETURNS, compounded=compound)
        found = drawdown(RETURNS, compound=compound)
        assert found.max_drawdown == pytest.approx(falls.min(), rel=1e-10)
        assert found.trough == int(falls.argmin()) + 1
        assert found.total_under_water == np.count_nonzero(falls < -1e-12)


def test_skfolio_counts_a_loss_in_the_first_period_too() -> None:
    measures = pytest.importorskip("skfolio.measures")
    assert measures.get_drawdowns(np.array(FIRST_LOSS), compounded=True).min() == drawdown(FIRST_LOSS).max_drawdown


def test_ffn_agrees_on_drawdowns_of_prices_that_begin_with_the_start() -> None:
    ffn, pandas = pytest.importorskip("ffn"), pytest.importorskip("pandas")
    prices = pandas.Series(np.cumprod(np.concatenate([[1.0], 1.0 + RETURNS])))
    assert drawdown(RETURNS).max_drawdown == pytest.approx(ffn.calc_max_drawdown(prices), rel=1e-10)


def test_ffn_loses_the_first_loss_without_the_price_before_it() -> None:
    ffn, pandas = pytest.importorskip("ffn"), pytest.importorskip("pandas")
    prices = pandas.Series(np.cumprod(1.0 + np.array(FIRST_LOSS)))
    assert ffn.calc_max_drawdown(prices) == 0.0
    assert drawdown(FIRST_LOSS).max_drawdown == -0.5


@pytest.mark.parametrize("n_obs", [10, 250, 1000])
def test_a_constant_series_has_a_sharpe_ratio_of_1e16_by_its_mean_and_standard_deviation(n_obs: int) -> None:
    measures = pytest.importorskip("skfolio.measures")
    returns = np.full(n_obs, 0.001)
    naive = measures.mean(returns) / measures.standard_deviation(returns)
    assert naive > 1e15
    assert math.isnan(sharpe(returns))


def test_ffn_agrees_that_a_constant_series_has_none() -> None:
    ffn, pandas = pytest.importorskip("ffn"), pytest.importorskip("pandas")
    assert math.isnan(ffn.calc_sharpe(pandas.Series([0.001] * 250), nperiods=365))


def test_pandas_agrees_on_rolling_windows_but_for_digits_and_constant_ones() -> None:
    pandas = pytest.importorskip("pandas")

    def rolled(returns: Any, window: int) -> Any:
        windows = pandas.Series(returns).rolling(window)
        return (windows.mean() / windows.std()).to_numpy()

    np.testing.assert_allclose(rolling_sharpe(RETURNS, 20), rolled(RETURNS, 20), rtol=1e-8)
    spoilt = RETURNS.copy()
    spoilt[100] = 1e3
    np.testing.assert_array_equal(rolling_sharpe(spoilt, 20)[120:], rolling_sharpe(RETURNS, 20)[120:])
    assert np.abs(rolled(spoilt, 20)[200:] / rolled(RETURNS, 20)[200:] - 1.0).max() > 1e-9
    pause = [0.01, 0.02, 0.03, 0.03, 0.03, -0.01]
    assert rolled(pause, 3)[4] == math.inf
    assert math.isnan(rolling_sharpe(pause, 3)[4])


def test_pandas_counts_a_bar_to_the_day_it_ends_in() -> None:
    pandas = pytest.importorskip("pandas")
    ends = pandas.date_range(datetime(2024, 1, 1, 6, tzinfo=UTC), periods=12, freq="6h")
    returns = RETURNS[:12]
    by_end = (1.0 + pandas.Series(returns, ends)).resample("1D").prod() - 1.0
    covered = (1.0 + pandas.Series(returns, ends - pandas.Timedelta(1, "ns"))).resample("1D").prod() - 1.0
    assert len(by_end) == 4
    np.testing.assert_allclose(daily_returns_utc(ends, returns), covered, rtol=1e-10)
