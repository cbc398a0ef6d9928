"""Tail risk beside skfolio, numpy and pandas: equal where they measure the same, told where they do not."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from distill_platform.stats.correlation import correlation_matrix
from distill_platform.stats.expected_shortfall import es_gaussian, es_historical
from distill_platform.stats.portfolio_risk import marginal_es_historical, marginal_var_gaussian
from distill_platform.stats.value_at_risk import var_gaussian, var_historical

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def returns(n: int, k: int | None = None) -> npt.NDArray[np.float64]:
    return np.random.default_rng(8).standard_t(4, size=n if k is None else (n, k)) / 100


@pytest.mark.parametrize("n", [1, 2, 7, 30, 100, 250, 1001])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.975, 0.99, 0.999])
def test_skfolio_measures_the_same_tail(n: int, confidence: float) -> None:
    skfolio = pytest.importorskip("skfolio.measures")
    sample = returns(n)
    assert var_historical(sample, confidence) == pytest.approx(skfolio.value_at_risk(sample, beta=confidence))
    assert es_historical(sample, confidence) == pytest.approx(skfolio.cvar(sample, beta=confidence))


def test_skfolio_contributions_are_the_components() -> None:
    """It differentiates numerically, so the last digits are its own."""
    skfolio = pytest.importorskip("skfolio")
    sample, weights = returns(500, 4), np.array([0.1, 0.2, 0.3, 0.4])
    peer = skfolio.Portfolio(X=sample, weights=weights).contribution(measure=skfolio.RiskMeasure.CVAR)
    np.testing.assert_allclose(marginal_es_historical(sample, weights).component, peer, rtol=1e-4)


def test_gaussian_risk_is_that_of_scipy() -> None:
    scipy = pytest.importorskip("scipy.stats")
    for alpha in (0.5, 0.05, 1e-3, 1e-74):
        z = scipy.norm.ppf(alpha)
        assert var_gaussian(0.001, 0.02, alpha) == pytest.approx(-0.001 - 0.02 * z, rel=1e-12)
        hazard = math.exp(scipy.norm.logpdf(z) - math.log(alpha))
        assert es_gaussian(0.001, 0.02, alpha) == pytest.approx(-0.001 + 0.02 * hazard, rel=1e-9)
    cov = np.cov(returns(500, 4), rowvar=False)
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    expected = scipy.norm.ppf(0.95) * math.sqrt(weights @ cov @ weights)
    assert marginal_var_gaussian(weights, cov).total == pytest.approx(expected, rel=1e-12)


def test_interpolated_quantiles_are_those_of_numpy_and_pandas() -> None:
    pd = pytest.importorskip("pandas")
    sample = returns(250)
    found = var_historical(sample, 0.95, "linear")
    assert found == pytest.approx(-np.quantile(sample, 0.05), rel=1e-12)
    assert found == pytest.approx(-pd.Series(sample).quantile(0.05), rel=1e-12)


def test_the_mean_of_returns_below_the_quantile_is_not_the_expected_shortfall() -> None:
    """What several packages call CVaR takes whole observations: 0.07 where half of the second belongs to the tail."""
    sample: Any = np.array([-0.09, -0.05, -0.02, *np.arange(27) / 1000])
    whole = -sample[sample <= -var_historical(sample)].mean()
    assert whole == pytest.approx(0.07)
    assert es_historical(sample) == pytest.approx(0.0766667, rel=1e-5)


def test_correlations_are_those_of_pandas() -> None:
    pd = pytest.importorskip("pandas")
    sample = returns(500, 80)
    np.testing.assert_allclose(correlation_matrix(sample), pd.DataFrame(sample).corr().to_numpy(), atol=1e-13)


def test_numpy_finds_a_constant_series_uncorrelated_and_pandas_and_we_find_nothing() -> None:
    """Deviations from the mean of a constant are rounding: numpy says about 1e-17, which passes as diversification."""
    pd = pytest.importorskip("pandas")
    sample = returns(250, 2)
    sample[:, 1] = 0.001
    assert abs(np.corrcoef(sample, rowvar=False)[0, 1]) <= 1.0
    assert np.isnan(pd.DataFrame(sample).corr().to_numpy()[0, 1])
    assert math.isnan(correlation_matrix(sample)[0, 1])
