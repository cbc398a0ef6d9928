"""Correlation: how a candidate fits the strategies that are already there.

Sums run in a fixed order in compiled code, without BLAS, whose last bits depend on the machine: a decision at a
threshold comes out the same everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distill_platform.core.kernel import kernel
from distill_platform.stats.residue import is_residue
from distill_platform.stats.series import Panel, Series, as_panel, as_series
from distill_platform.stats.sharpe import sharpe
from distill_platform.stats.tail import check_level, tail_size

_FEWEST_TAIL = 3  # any two points lie on a line: their correlation is 1 or -1 and says nothing
_TILE = 64


@dataclass(frozen=True, slots=True)
class PortfolioFit:
    """What a candidate would do to a portfolio; NaN where a series does not vary, and NaN passes nothing.

    `correlations` are with each existing strategy, `tail_correlation` is with their combination in its `n_tail` worst
    periods. The combination gives each member the same risk on its own (weights 1 / standard deviation); its Sharpe
    ratios, before and after the candidate joins, are per period. `diversification_benefit` is how much the standard
    deviation of the combination falls, as a share of its members' mean: negative if the candidate adds risk.
    """

    max_correlation: float
    mean_correlation: float
    tail_correlation: float
    sharpe_before: float
    sharpe_after: float
    diversification_benefit: float
    n_obs: int
    n_tail: int
    correlations: Series = field(repr=False)


def correlation_matrix(returns: Any) -> Panel:
    """Return Pearson correlations of the columns of `returns`, shape (T, N), as a symmetric matrix of shape (N, N).

    The row and column of a series that does not vary are NaN, its diagonal too; below two observations all is NaN.
    Other diagonals are exactly 1. The same bits on every machine. O(T N^2) time, O(T N) memory beyond the result.

    Raises ValueError for NaN, infinities, other shapes and empty ones.
    """
    panel = as_panel(returns)
    if panel.size == 0:
        raise ValueError(f"returns are empty: their shape is {panel.shape}")
    matrix: Panel = np.clip(_cross_products(_standardized(panel)) / max(len(panel) - 1, 1), -1.0, 1.0)
    np.fill_diagonal(matrix, np.where(np.isnan(np.diagonal(matrix)), np.nan, 1.0))
    return matrix


def portfolio_fit(candidate: Any, existing: Any, tail: float = 0.1) -> PortfolioFit:
    """Return how a candidate, shape (T,), fits existing strategies, shape (T, N), in the same T periods.

    The maximum is the largest correlation with its sign: a hedge, at -0.9, is no duplicate. The tail holds the fraction
    `tail` of all periods, rounded up, in which the existing combination did worst. In those, normal returns correlate
    less than in all of them (Boyer, Gibson and Loretan 1997, "Pitfalls in tests for changes in correlations"): 0.5 in
    all periods is 0.23 in the worst tenth, and more than that says that losses come together. Below three periods in
    the tail its correlation is NaN. O(T (N + log T)).

    Raises ValueError for lengths that differ, nothing existing, NaN, infinities, and a tail outside (0, 1).
    """
    candidate, existing = as_series(candidate, name="candidate"), as_panel(existing, name="existing")
    if existing.size == 0 or len(existing) != len(candidate):
        raise ValueError(f"{len(candidate)} periods of the candidate do not fit existing of shape {existing.shape}")
    n_tail = math.ceil(tail_size(len(candidate), 1.0 - check_level(tail, "tail")))
    members = np.column_stack([existing, candidate])
    standardized, scaled = _standardized(members), members / _deviations(members)
    correlations = _correlations_with_last(standardized)
    before = scaled[:, :-1].mean(axis=1)
    worst = np.argsort(before, kind="stable")[:n_tail]
    return PortfolioFit(
        max_correlation=float(correlations.max()),
        mean_correlation=float(correlations.mean()),
        tail_correlation=_tail_correlation(before[worst], candidate[worst]),
        sharpe_before=_combined_sharpe(scaled[:, :-1]),
        sharpe_after=_combined_sharpe(scaled),
        diversification_benefit=_combined_deviation(standardized[:, :-1]) - _combined_deviation(standardized),
        n_obs=len(candidate),
        n_tail=n_tail,
        correlations=correlations,
    )


def _deviations(panel: Panel) -> Series:
    """Return the sample standard deviation of each column, NaN where it does not vary."""
    squares = ((panel - panel.mean(axis=0)) ** 2).sum(axis=0)
    deviations = np.sqrt(squares / max(len(panel) - 1, 1))
    return np.where((panel.max(axis=0) > panel.min(axis=0)) & (deviations > 0.0), deviations, np.nan)


def _standardized(panel: Panel) -> Panel:
    return np.ascontiguousarray((panel - panel.mean(axis=0)) / _deviations(panel))


def _correlations_with_last(standardized: Panel) -> Series:
    products = (standardized[:, :-1] * standardized[:, -1:]).sum(axis=0)
    correlations: Series = np.clip(products / max(len(standardized) - 1, 1), -1.0, 1.0)
    return correlations


def _tail_correlation(combination: Series, candidate: Series) -> float:
    if len(candidate) < _FEWEST_TAIL or np.isnan(combination).any():
        return math.nan
    return float(_correlations_with_last(_standardized(np.column_stack([combination, candidate])))[0])


def _combined_sharpe(scaled: Panel) -> float:
    combination = scaled.mean(axis=1)
    if np.isnan(combination).any() or is_residue(combination, float(np.abs(scaled).max())):
        return math.nan
    return sharpe(combination)


def _combined_deviation(standardized: Panel) -> float:
    combination = standardized.mean(axis=1)
    return math.sqrt(math.fsum(combination**2) / max(len(combination) - 1, 1))


@kernel
def _cross_products(columns: Panel) -> Panel:
    """Sum the products of all pairs of columns in the order of rows, by tiles that stay in the cache."""
    n_rows, n = columns.shape
    products = np.empty((n, n))
    tile = np.empty((_TILE, _TILE))
    for top in range(0, n, _TILE):
        for left in range(0, top + 1, _TILE):
            tile[:] = 0.0
            for row in range(n_rows):
                factors, others = columns[row, top : top + _TILE], columns[row, left : left + _TILE]
                for i in range(len(factors)):
                    factor, sums = factors[i], tile[i]
                    for j in range(len(others)):
                        sums[j] += factor * others[j]
            bottom, right = min(top + _TILE, n), min(left + _TILE, n)
            found = tile[: bottom - top, : right - left]
            products[top:bottom, left:right] = found
            products[left:right, top:bottom] = found.T
    return products
