"""Stepwise multiple testing: which of many models are better than the benchmark, with few false claims in total."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill_platform.stats.blocks import Scheme
from distill_platform.stats.differentials import Differentials, enumerated_differentials, resampled_differentials
from distill_platform.stats.resampling import Resampling
from distill_platform.stats.series import Panel


@dataclass(frozen=True, slots=True)
class SuperiorModels:
    """Columns of the superior models, ascending, and the critical value that no other model exceeded.

    It is a mean differential, or a t-statistic if studentized; NaN if there was nothing left to test.
    """

    superior: tuple[int, ...]
    last_critical_value: float
    size: float
    provenance: Resampling | None


def stepm(
    diff: Any,
    size: float = 0.05,
    n_resamples: int = 10_000,
    block_length: float | None = None,
    scheme: Scheme | str = Scheme.STATIONARY,
    kernel_q: float | None = None,
    studentize: bool = True,
    seed: int = 0,
    threads: int = 1,
) -> SuperiorModels:
    """Return the models that are better than the benchmark, with a familywise error rate of at most `size`.

    Models above the (1 - size) quantile of the largest recentred mean (Hansen's consistent way) are taken out, and the
    rest is tested again, until a step finds none. Differentials (T, K), positive is better; those that do not vary are
    never superior. Costs O(B K T / block_length) and O(B K) a step. Raises ValueError for a size outside (0, 1); the
    rest is as in `spa`. Romano & Wolf (2005), algorithms 3.1 and 4.1.
    """
    differentials, deviations, provenance = resampled_differentials(
        diff, n_resamples, block_length, scheme, kernel_q, studentize, seed, threads
    )
    return _stepwise(differentials, deviations, size, studentize, provenance)


def stepm_exact(
    diff: Any,
    block: int,
    scheme: Scheme | str = Scheme.CIRCULAR,
    kernel_q: float | None = None,
    studentize: bool = True,
    size: float = 0.05,
) -> SuperiorModels:
    """Return the same by enumeration of all block starts, for tiny samples.

    Raises ValueError for more than two million resamples and for the stationary scheme; else as `stepm`.
    """
    differentials, deviations = enumerated_differentials(diff, block, scheme, kernel_q, studentize)
    return _stepwise(differentials, deviations, size, studentize, None)


def _stepwise(
    differentials: Differentials, deviations: Panel, size: float, studentize: bool, provenance: Resampling | None
) -> SuperiorModels:
    if not 0.0 < size < 1.0:
        raise ValueError(f"size must lie in (0, 1), not {size}")
    statistics = differentials.statistics
    simulated = (deviations + differentials.recentred["consistent"]) * differentials.scale
    left = np.ones(len(statistics), dtype=np.bool_)
    critical = math.nan
    while left.any():
        critical = float(np.quantile(np.max(simulated[:, left], axis=1, initial=0.0), 1.0 - size))
        better = left & (statistics > critical)
        if not better.any():
            break
        left &= ~better
    superior = tuple(differentials.columns[~left].tolist())
    unit = 1.0 if studentize else math.sqrt(len(differentials.panel))
    return SuperiorModels(superior, critical / unit, size, provenance)
