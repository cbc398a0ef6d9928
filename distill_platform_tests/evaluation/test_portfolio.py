"""Portfolio fit: what is not known is no diversification, and what does not move passes nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from distill_platform.evaluation.portfolio import Fit, Holding, portfolio_fit_of
from distill_platform.stats import es_historical, portfolio_fit, sharpe, var_gaussian, var_historical
from distill_platform_tests.evaluation.made_trials import FIRST_DAY

DICE = np.random.default_rng(4)
MARKET = DICE.normal(0, 0.01, 500)
TREND = MARKET + DICE.normal(0.001, 0.01, 500)
CARRY = DICE.normal(0.0005, 0.005, 500)
NUMBERS = (
    "risk.incremental_var_99",
    "risk.incremental_es_99",
    "portfolio.marginal_var_99",
    "portfolio.marginal_es_99",
    "portfolio.portfolio_sharpe_uplift",
)


def holding(name: str, net: Any, weight: float = 0.5, start: int = 0) -> Holding:
    return Holding(name, FIRST_DAY + start + np.arange(len(net)), np.asarray(net), weight)


def number(fit: Fit, name: str) -> float:
    return float(fit.metrics[name])


def test_beside_an_empty_book_all_risk_is_new() -> None:
    fit = portfolio_fit_of(holding("new", TREND, 1.0), [])
    assert fit.metrics["portfolio.correlation_source"] == "none"
    assert number(fit, "risk.incremental_var_99") == var_historical(TREND, 0.99)
    assert number(fit, "risk.incremental_es_99") == es_historical(TREND, 0.99)
    assert number(fit, "portfolio.portfolio_sharpe_uplift") == pytest.approx(sharpe(TREND) * math.sqrt(365))
    assert math.isnan(number(fit, "portfolio.max_correlation"))
    assert fit.correlations == ()


def test_measured_correlations_are_those_of_the_statistics() -> None:
    fit = portfolio_fit_of(holding("new", MARKET), [holding("trend", TREND), holding("carry", CARRY)])
    expected = portfolio_fit(MARKET, np.column_stack([CARRY, TREND]))
    assert fit.metrics["portfolio.correlation_source"] == "measured"
    assert number(fit, "portfolio.max_correlation") == pytest.approx(expected.max_correlation)
    uplift = (expected.sharpe_after - expected.sharpe_before) * math.sqrt(365)
    assert number(fit, "portfolio.portfolio_sharpe_uplift") == pytest.approx(uplift)
    assert [pair.strategy_id for pair in fit.correlations] == ["carry", "trend"]


def test_incremental_risk_is_the_book_with_less_the_book_without() -> None:
    fit = portfolio_fit_of(holding("new", MARKET, 0.3), [holding("trend", TREND, 0.7)])
    with_it, without = 0.7 * TREND + 0.3 * MARKET, 0.7 * TREND
    new_es = es_historical(with_it, 0.99) - es_historical(without, 0.99)
    new_var = (var_gaussian(0, s.std(ddof=1), 0.01) for s in (with_it, without))
    assert number(fit, "risk.incremental_es_99") == pytest.approx(new_es, rel=1e-9)
    assert number(fit, "risk.incremental_var_99") == pytest.approx(next(new_var) - next(new_var), rel=1e-9)


def test_marginal_risk_is_the_slope_of_the_incremental_one() -> None:
    def total(weight: float) -> float:
        return number(
            portfolio_fit_of(holding("new", MARKET, weight), [holding("trend", TREND)]), "risk.incremental_var_99"
        )

    fit = portfolio_fit_of(holding("new", MARKET, 0.3), [holding("trend", TREND)])
    slope = (total(0.3 + 1e-6) - total(0.3 - 1e-6)) / 2e-6
    assert number(fit, "portfolio.marginal_var_99") == pytest.approx(slope, rel=1e-6)


def test_too_few_days_in_common_are_no_diversification() -> None:
    fit = portfolio_fit_of(holding("new", TREND, start=441), [holding("carry", CARRY)])
    assert fit.metrics["portfolio.correlation_source"] == "assumed"
    assert (number(fit, "portfolio.max_correlation"), number(fit, "portfolio.tail_correlation")) == (0.5, 0.5)
    assert (fit.correlations[0].n_days, fit.correlations[0].is_measured) == (59, False)
    a, b = 0.5 * TREND.std(ddof=1), 0.5 * CARRY.std(ddof=1)
    expected = var_gaussian(0, 1, 0.01) * (math.sqrt(a * a + b * b + a * b) - b)
    assert number(fit, "risk.incremental_var_99") == pytest.approx(expected)
    assert number(fit, "risk.incremental_es_99") > number(fit, "risk.incremental_var_99")
    ratios = np.array([sharpe(CARRY), sharpe(TREND)]) * math.sqrt(365)
    uplift = ratios.sum() / math.sqrt(3.0) - ratios[0]
    assert number(fit, "portfolio.portfolio_sharpe_uplift") == pytest.approx(uplift)


def test_sixty_days_in_common_are_enough() -> None:
    fit = portfolio_fit_of(holding("new", TREND, start=440), [holding("carry", CARRY)])
    assert fit.metrics["portfolio.correlation_source"] == "measured"


def test_one_unknown_among_many_is_told() -> None:
    fit = portfolio_fit_of(holding("new", TREND), [holding("carry", CARRY), holding("young", CARRY[:20], start=490)])
    assert fit.metrics["portfolio.correlation_source"] == "assumed"
    assert [pair.is_measured for pair in fit.correlations] == [True, False]
    assert all(math.isfinite(number(fit, name)) for name in NUMBERS)


def test_a_copy_of_what_is_held_adds_nothing_but_risk() -> None:
    fit = portfolio_fit_of(holding("copy", TREND), [holding("trend", TREND)])
    assert number(fit, "portfolio.max_correlation") == pytest.approx(1.0)
    assert number(fit, "portfolio.portfolio_sharpe_uplift") == pytest.approx(0.0, abs=1e-9)


def test_a_hedge_lowers_risk() -> None:
    fit = portfolio_fit_of(holding("hedge", -TREND, 0.2), [holding("trend", TREND)])
    assert number(fit, "risk.incremental_var_99") < 0
    assert number(fit, "risk.incremental_es_99") < 0


@pytest.mark.parametrize("net", [np.zeros(500), np.full(500, 0.001), np.array([0.01]), np.empty(0)])
@pytest.mark.parametrize("book", [[], [holding("trend", TREND)]])
def test_a_candidate_that_does_not_move_has_no_fit(net: Any, book: list[Holding]) -> None:
    fit = portfolio_fit_of(holding("idle", net), book)
    assert all(math.isnan(number(fit, name)) for name in NUMBERS)


def test_a_holding_that_does_not_move_hides_no_other() -> None:
    with_idle = portfolio_fit_of(holding("new", MARKET), [holding("trend", TREND), holding("idle", np.zeros(500))])
    assert all(math.isfinite(number(with_idle, name)) for name in NUMBERS)
    alone = portfolio_fit_of(holding("new", MARKET), [holding("trend", TREND)])
    name = "risk.incremental_var_99"
    assert number(with_idle, name) == pytest.approx(number(alone, name))


def test_correlations_that_no_returns_have_at_once_give_no_risk() -> None:
    """Three strategies, each two opposed, each two on other days."""
    wave = DICE.normal(0, 0.01, 100)
    first = holding("a", np.concatenate([wave, wave]), 1.0)
    second = Holding("b", FIRST_DAY + np.r_[0:100, 200:300], np.concatenate([-wave, wave]), 1.0)
    third = Holding("c", FIRST_DAY + np.r_[100:200, 200:300], np.concatenate([-wave, -wave]), 1.0)
    fit = portfolio_fit_of(third, [first, second])
    assert math.isnan(number(fit, "risk.incremental_var_99"))
    assert math.isnan(number(fit, "risk.incremental_es_99"))


def test_the_order_of_the_book_does_not_matter() -> None:
    book = [holding("trend", TREND), holding("carry", CARRY, 0.2)]
    assert portfolio_fit_of(holding("new", MARKET), book) == portfolio_fit_of(holding("new", MARKET), book[::-1])
