"""Portfolio fit: what a candidate would do to the strategies that trade already, in correlation, risk and return."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from distill_platform.evaluation.metrics.daily import DAYS_PER_YEAR, Days, sharpe_annual
from distill_platform.stats import (
    es_gaussian,
    es_historical,
    marginal_es_historical,
    marginal_var_gaussian,
    moments,
    portfolio_fit,
    var_gaussian,
    var_historical,
)

ASSUMED_CORRELATION = 0.5
"""Stands where two strategies have too few days in common: not knowing is no diversification."""

FEWEST_DAYS = 60
_CONFIDENCE = 0.99

Numbers = npt.NDArray[np.float64]
Metrics = dict[str, float | str]


class CorrelationSource(StrEnum):
    """Where the correlations come from: all of them measured, some of them assumed, or nothing is held."""

    MEASURED = "measured"
    ASSUMED = "assumed"
    NONE = "none"


@dataclass(frozen=True, eq=False)
class Holding:
    """A strategy with its net returns on its UTC days, oldest first, and the share of equity that it trades with."""

    strategy_id: str
    days: Days = field(repr=False)
    net: Numbers = field(repr=False)
    weight: float


@dataclass(frozen=True)
class HoldingCorrelation:
    """How a candidate moves with one holding: on all common days, and on the worst tenth of the holding's.

    Without `FEWEST_DAYS` in common, or where one of both never moves, both are assumed.
    """

    strategy_id: str
    correlation: float
    tail_correlation: float
    n_days: int
    is_measured: bool


@dataclass(frozen=True)
class Fit:
    """The fit in the names of the catalogue, and the correlation with each holding behind it."""

    metrics: Metrics
    correlations: tuple[HoldingCorrelation, ...]


def portfolio_fit_of(candidate: Holding, book: Sequence[Holding]) -> Fit:
    """Return how a candidate fits the live book; the book holds no earlier version of the candidate itself.

    Risk is by the day, at 99 %, as a positive fraction of equity: incremental is the book with the candidate at its
    weight less the book without it, marginal the derivative to its weight. The value at risk is that of normal returns
    without drift, from each strategy's own volatility; the expected shortfall is the historical one on common days, or
    the normal one where a correlation had to be assumed. The uplift is that of the annual Sharpe ratio of a combination
    that gives each strategy the same risk. The order of the book does not matter.

    With nothing held, risk and Sharpe ratio are the candidate's own and correlations NaN. NaN too for a candidate that
    does not move, and for measured correlations that no returns could all have at once.

    Raises ValueError for NaN and infinities.
    """
    ordered = sorted(book, key=lambda holding: holding.strategy_id)
    if not ordered or len(candidate.net) < 2:
        return Fit(_alone(candidate), ())
    pairs = tuple(_correlation(candidate, holding) for holding in ordered)
    strategies = [*ordered, candidate]
    together = _on_common_days(strategies)
    measured = len(together) >= FEWEST_DAYS and all(pair.is_measured for pair in pairs)
    return Fit(
        {
            "portfolio.max_correlation": max(pair.correlation for pair in pairs),
            "portfolio.tail_correlation": max(pair.tail_correlation for pair in pairs),
            "portfolio.correlation_source": CorrelationSource.MEASURED if measured else CorrelationSource.ASSUMED,
            "portfolio.portfolio_sharpe_uplift": _uplift(strategies, together if measured else None),
            **_risk(strategies, together if measured else None),
        },
        pairs,
    )


def _alone(candidate: Holding) -> Metrics:
    """Return the metrics beside an empty book: all risk is new, and all return."""
    found = moments(candidate.net) if len(candidate.net) > 1 else None
    known = found is not None and found.sd > 0.0
    var = var_historical(candidate.net, _CONFIDENCE) if known else math.nan
    shortfall = es_historical(candidate.net, _CONFIDENCE) if known else math.nan
    return {
        "portfolio.max_correlation": math.nan,
        "portfolio.tail_correlation": math.nan,
        "portfolio.correlation_source": CorrelationSource.NONE,
        "portfolio.portfolio_sharpe_uplift": sharpe_annual(candidate.days, candidate.net),
        "portfolio.marginal_var_99": var,
        "portfolio.marginal_es_99": shortfall,
        "risk.incremental_var_99": candidate.weight * var,
        "risk.incremental_es_99": candidate.weight * shortfall,
    }


def _correlation(candidate: Holding, holding: Holding) -> HoldingCorrelation:
    common = _on_common_days([holding, candidate])
    n_days = len(common)
    if n_days >= FEWEST_DAYS:
        fit = portfolio_fit(common[:, 1], common[:, :1])
        if math.isfinite(fit.max_correlation) and math.isfinite(fit.tail_correlation):
            return HoldingCorrelation(holding.strategy_id, fit.max_correlation, fit.tail_correlation, n_days, True)
    return HoldingCorrelation(holding.strategy_id, ASSUMED_CORRELATION, ASSUMED_CORRELATION, n_days, False)


def _on_common_days(strategies: Sequence[Holding]) -> Numbers:
    """Return the returns on the days that all strategies have, shape (days, strategies)."""
    days = strategies[0].days
    for strategy in strategies[1:]:
        days = days[np.isin(days, strategy.days)]
    return np.column_stack([strategy.net[np.isin(strategy.days, days)] for strategy in strategies])


def _risk(strategies: Sequence[Holding], together: Numbers | None) -> Metrics:
    """Return incremental and marginal risks; `together` are joint returns if all correlations were measured."""
    weights = np.array([strategy.weight for strategy in strategies])
    covariance = _covariance(strategies)
    try:
        before = marginal_var_gaussian(weights[:-1], covariance[:-1, :-1], _CONFIDENCE).total
        after = marginal_var_gaussian(weights, covariance, _CONFIDENCE)
    except ValueError:  # a book that would have a negative variance, or a volatility that is not known
        return dict.fromkeys(_RISKS, math.nan)
    var, marginal_var = after.total - before, float(after.marginal[-1])
    if together is None:
        tail = es_gaussian(0.0, 1.0, 1 - _CONFIDENCE) / var_gaussian(0.0, 1.0, 1 - _CONFIDENCE)
        return dict(zip(_RISKS, (var, tail * var, marginal_var, tail * marginal_var), strict=True))
    shortfall = marginal_es_historical(together, weights, _CONFIDENCE)
    held = marginal_es_historical(together[:, :-1], weights[:-1], _CONFIDENCE).total
    values = (var, shortfall.total - held, marginal_var, float(shortfall.marginal[-1]))
    return dict(zip(_RISKS, values, strict=True))


_RISKS = (
    "risk.incremental_var_99", "risk.incremental_es_99", "portfolio.marginal_var_99", "portfolio.marginal_es_99",
)  # fmt: skip


def _covariance(strategies: Sequence[Holding]) -> Numbers:
    """Return the covariance of each strategy's own volatility and pairwise correlations; NaN for a flat candidate."""
    deviations = np.array([moments(strategy.net).sd if len(strategy.net) > 1 else math.nan for strategy in strategies])
    deviations[-1] = deviations[-1] if deviations[-1] > 0.0 else math.nan
    found: Numbers = _correlations(strategies) * np.outer(deviations, deviations)
    return found


def _correlations(strategies: Sequence[Holding]) -> Numbers:
    matrix = np.eye(len(strategies))
    for row in range(1, len(strategies)):
        for column in range(row):
            matrix[row, column] = _correlation(strategies[row], strategies[column]).correlation
            matrix[column, row] = matrix[row, column]
    return matrix


def _uplift(strategies: Sequence[Holding], together: Numbers | None) -> float:
    """Return the annual Sharpe ratio of equal risk in all strategies, less that without the last one."""
    if together is not None:
        fit = portfolio_fit(together[:, -1], together[:, :-1])
        return (fit.sharpe_after - fit.sharpe_before) * _yearly(strategies[-1])
    ratios = np.array([sharpe_annual(strategy.days, strategy.net) for strategy in strategies])
    moving = np.isfinite(ratios) | (np.arange(len(ratios)) == len(ratios) - 1)
    ratios, correlations = ratios[moving], _correlations(strategies)[np.ix_(moving, moving)]
    return _combined(ratios, correlations) - _combined(ratios[:-1], correlations[:-1, :-1])


def _combined(ratios: Numbers, correlations: Numbers) -> float:
    """Return the Sharpe ratio of equal risk in strategies of these ratios: their sum over the root of all entries."""
    variance = float(correlations.sum())
    if len(ratios) == 0:
        return 0.0
    return float(ratios.sum()) / math.sqrt(variance) if variance > 0.0 else math.nan


def _yearly(strategy: Holding) -> float:
    """Return what a Sharpe ratio per day with steps is multiplied with to be annual."""
    calendar = int((strategy.days[-1] - strategy.days[0]).astype(np.int64)) + 1
    return math.sqrt(DAYS_PER_YEAR * len(strategy.days) / calendar)
