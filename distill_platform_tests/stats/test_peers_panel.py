"""Panels and skfolio: the same numbers where it has them."""

import numpy as np
import pytest

from benchmarks.statistics.panels import with_skfolio
from distill_platform.stats.panel import panel_statistics

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def panel() -> np.ndarray:
    return np.random.default_rng(7).standard_t(4, (750, 40)) * 0.01 + 0.0004


def test_skfolio_agrees(panel: np.ndarray) -> None:
    found = panel_statistics(panel)
    sharpe, psr, dsr, max_drawdown = with_skfolio(pytest.importorskip("skfolio.measures"), panel)
    np.testing.assert_allclose(found.sharpe, sharpe, rtol=1e-10)
    np.testing.assert_allclose(found.psr, psr, rtol=1e-10)
    np.testing.assert_allclose(found.dsr, dsr, rtol=1e-10)
    np.testing.assert_allclose(found.max_drawdown, max_drawdown, rtol=1e-10)


def test_skfolio_has_no_psr_of_constant_returns_but_a_sharpe_ratio_of_rounding(panel: np.ndarray) -> None:
    panel[:, 0] = 0.001
    measures = pytest.importorskip("skfolio.measures")
    found = panel_statistics(panel)
    assert np.isnan([found.sharpe[0], found.psr[0], measures.probabilistic_sharpe_ratio(panel)[0]]).all()
    assert measures.mean(panel)[0] / measures.standard_deviation(panel)[0] > 1e14


def test_skfolio_leaves_out_what_is_missing_and_we_do_not(panel: np.ndarray) -> None:
    panel[5, 0] = np.nan
    assert np.isfinite(pytest.importorskip("skfolio.measures").probabilistic_sharpe_ratio(panel)[0])
    with pytest.raises(ValueError, match="NaN at row 5, column 0"):
        panel_statistics(panel)
