"""Superior predictive ability: is the best of many models better than the benchmark, or only the luckiest?

Differentials are performance of a model less that of the benchmark: positive is better. Models whose differential does
not vary are no evidence and are dropped; if none remain, p = 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from distill_platform.stats.blocks import Scheme
from distill_platform.stats.differentials import (
    TIE,
    Differentials,
    Values,
    enumerated_differentials,
    resampled_differentials,
)
from distill_platform.stats.resampling import Resampling
from distill_platform.stats.series import Panel

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Recentred(Generic[Number]):
    """One number for each of Hansen's three ways to recentre: lower <= consistent <= upper."""

    lower: Number
    consistent: Number
    upper: Number


@dataclass(frozen=True, slots=True)
class SuperiorAbility:
    """Hansen's test: p-values, the statistic, and the models that count in the consistent distribution."""

    p: Recentred[float]
    stat: float
    recentre_mask_consistent: tuple[bool, ...] = field(repr=False)
    provenance: Resampling


@dataclass(frozen=True, slots=True)
class SuperiorAbilityExact:
    """The same by enumeration of n resamples: p = counts_gt / n; ties are those within rounding."""

    p: Recentred[float]
    counts_gt: Recentred[int]
    counts_ge: Recentred[int]
    n: int
    stat: float
    recentre_mask_consistent: tuple[bool, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RealityCheck:
    """White's test: p-value and statistic, the largest mean times sqrt(T), at least 0."""

    p: float
    stat: float
    provenance: Resampling


def spa(
    diff: Any,
    n_resamples: int = 10_000,
    block_length: float | None = None,
    scheme: Scheme | str = Scheme.STATIONARY,
    kernel_q: float | None = None,
    studentize: bool = True,
    seed: int = 0,
    threads: int = 1,
) -> SuperiorAbility:
    """Return the test of "no model is better than the benchmark" for differentials of shape (T, K).

    The statistic is max_k sqrt(T) mean_k / omega_k, at least 0, with omega from `hansen_kernel_variance` (kernel_q:
    1 / block_length unless given), or without omega if not studentized. p = (1 + #{simulated >= stat}) / (1 + B).
    `block_length` None takes the longest that is optimal for a column. Costs O(B K T / block_length). Raises ValueError
    for an empty panel, NaN, a block length outside 1..T. Hansen (2005), sections 2.2 and 3.
    """
    differentials, deviations, provenance = resampled_differentials(
        diff, n_resamples, block_length, scheme, kernel_q, studentize, seed, threads
    )
    stat = _statistic(differentials)
    counts = [_count(simulated, stat * (1.0 - TIE)) for simulated in _simulated(differentials, deviations)]
    p = Recentred(*((1 + count) / (1 + n_resamples) for count in counts))
    return SuperiorAbility(p, stat, _mask(differentials), provenance)


def spa_exact(
    diff: Any,
    block: int,
    scheme: Scheme | str = Scheme.CIRCULAR,
    kernel_q: float | None = None,
    studentize: bool = True,
) -> SuperiorAbilityExact:
    """Return the same test by enumeration of all block starts, for tiny samples: the share of resamples above stat.

    Raises ValueError for more than two million resamples and for the stationary scheme; else as `spa`.
    """
    differentials, deviations = enumerated_differentials(diff, block, scheme, kernel_q, studentize)
    stat = _statistic(differentials)
    simulated, n = _simulated(differentials, deviations), len(deviations)
    above = Recentred(*(_count(each, np.nextafter(stat * (1.0 + TIE), np.inf)) for each in simulated))
    reached = Recentred(*(_count(each, stat * (1.0 - TIE)) for each in simulated))
    p = Recentred(above.lower / n, above.consistent / n, above.upper / n)
    if len(differentials.columns) == 0:
        p = Recentred(1.0, 1.0, 1.0)
    return SuperiorAbilityExact(p, above, reached, n, stat, _mask(differentials))


def reality_check(
    diff: Any,
    n_resamples: int = 10_000,
    block_length: float | None = None,
    scheme: Scheme | str = Scheme.STATIONARY,
    seed: int = 0,
    threads: int = 1,
) -> RealityCheck:
    """Return White's test of "no model is better than the benchmark": not studentized, every model recentred.

    It equals the upper p-value of `spa` without studentizing, whose arguments and errors it shares. Adding poor models
    makes it blind; prefer `spa`. White (2000), corollary 2.4.
    """
    found = spa(diff, n_resamples, block_length, scheme, None, False, seed, threads)
    return RealityCheck(found.p.upper, found.stat, found.provenance)


def _statistic(differentials: Differentials) -> float:
    return float(np.max(differentials.statistics, initial=0.0))


def _simulated(differentials: Differentials, deviations: Panel) -> list[Values]:
    return [differentials.maxima(deviations, shift) for shift in differentials.recentred.values()]


def _count(simulated: Values, least: float) -> int:
    return int(np.count_nonzero(simulated >= least))


def _mask(differentials: Differentials) -> tuple[bool, ...]:
    mask = np.zeros(differentials.n_models, dtype=np.bool_)
    mask[differentials.columns] = differentials.relevant
    return tuple(mask.tolist())
