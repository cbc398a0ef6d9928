"""Block length: how long the blocks of a bootstrap should be for the mean of a dependent series."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill_platform.stats.blocks import Scheme
from distill_platform.stats.series import NanPolicy, Panel, Series, as_series, is_constant

_STATIONARY, _CIRCULAR = 2.0, 4.0 / 3.0  # D / g(0)^2: how much more a scheme's variance estimate varies


@dataclass(frozen=True, slots=True)
class BlockLength:
    """Optimal (mean) block lengths, in observations; round them up before using them for fixed blocks."""

    stationary: float
    circular: float


def optimal_block_length(series: Any, *, nan_policy: NanPolicy | str = NanPolicy.RAISE) -> BlockLength:
    """Return the estimated block lengths that make the bootstrap variance of the mean most accurate.

    b = (2 G^2 / D)^(1/3) T^(1/3), G and D from a flat-top lag window whose width the correlogram decides, at most
    ceil(min(3 sqrt(T), T / 3)). Weak dependence gives values below 1, which mean blocks of 1. A constant series, one
    observation included, has 1.0. Raises ValueError for an empty series. Costs O(T^1.5). Politis & White (2004),
    section 3.2, corrected by Patton, Politis & White (2009); the width follows Patton's program, as arch does.
    """
    sample = as_series(series, name="series", nan_policy=nan_policy)
    if len(sample) == 0:
        raise ValueError("series has no observations; a block length needs at least one")
    if is_constant(sample):
        return BlockLength(1.0, 1.0)
    n = len(sample)
    largest = math.ceil(min(3.0 * math.sqrt(n), n / 3.0))
    covariances, width = _correlogram(sample - sample.mean())
    lags = np.arange(1, width + 1)
    window = np.minimum(1.0, 2.0 * (1.0 - lags / max(width, 1)))
    slope = 2.0 * float(np.sum(window * lags * covariances[1 : width + 1]))
    spectrum = float(covariances[0]) + 2.0 * float(np.sum(window * covariances[1 : width + 1]))
    return BlockLength(
        *(min(_block_length(slope, spectrum, factor, n), float(largest)) for factor in (_STATIONARY, _CIRCULAR))
    )


def optimal_block_ar1_theory(phi: float, n: int) -> BlockLength:
    """Return the optimal block lengths for n observations of an AR(1) process with coefficient phi.

    b_SB = (2 |phi| / (1 - phi^2))^(2/3) n^(1/3); the circular one is (3/2)^(1/3) times as long. Raises ValueError for
    |phi| >= 1 or n < 1. Politis & White (2004), section 3, with D as corrected by Patton, Politis & White (2009).
    """
    if not -1.0 < phi < 1.0:
        raise ValueError(f"phi must lie in (-1, 1), not {phi}: other processes are not stationary")
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    slope, spectrum = 2.0 * abs(phi) / (1.0 - phi**2), 1.0
    return BlockLength(*(_block_length(slope, spectrum, factor, n) for factor in (_STATIONARY, _CIRCULAR)))


def default_block_length(panel: Panel, scheme: Scheme | str) -> float:
    """Return the block length for a panel when nobody chose one: the longest that is optimal for any column.

    Whole for fixed blocks, and within 1..T.
    """
    stationary = Scheme(scheme) is Scheme.STATIONARY
    optimal = [optimal_block_length(column) for column in panel.T]
    longest = max((each.stationary if stationary else each.circular for each in optimal), default=1.0)
    return float(min(max(longest if stationary else math.ceil(longest), 1.0), len(panel)))


def _block_length(slope: float, spectrum: float, factor: float, n: int) -> float:
    if spectrum == 0.0:
        return math.inf if slope else 1.0
    return math.pow(abs(slope / spectrum), 2.0 / 3.0) * math.pow(2.0 * n / factor, 1.0 / 3.0)


def _correlogram(centred: Series) -> tuple[Series, int]:
    """Autocovariances, and how many of them to use: twice the lag at which a run of insignificant ones begins."""
    n = len(centred)
    run = max(5, int(math.log10(n)))
    most = min(math.ceil(math.sqrt(n)) + run, n - 1)
    products = np.array([_dot(centred[lag:], centred[: n - lag]) for lag in range(most + 1)])
    squares = np.array([_sum_of_squares(centred, lag + 1) for lag in range(most + 1)])
    insignificant = np.abs(products) < 2.0 * math.sqrt(math.log10(n) / n) * np.sqrt(squares)
    begins = [lag for lag in range(most - run + 1) if insignificant[lag : lag + run].all()]
    return products / n, min(2 * max(begins[0], 1), most) if begins else most


def _sum_of_squares(centred: Series, lag: int) -> float:
    """The product of both sums of squares that a correlation between x(t) and x(t + lag) is measured by."""
    late, early = centred[lag:], centred[:-lag]
    return _dot(late, late) * _dot(early, early)


def _dot(left: Series, right: Series) -> float:
    return float(np.sum(left * right))  # not BLAS: its result depends on the library and its threads
