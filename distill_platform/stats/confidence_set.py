"""Model confidence set: the models among which the best one is, with a given confidence.

The order in which models are eliminated does not depend on single resamples, so it comes first. The sets then grow
from the last model backwards, and with them the largest deviation of each resample: one pass over all sets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel
from distill_platform.stats.blocks import Scheme
from distill_platform.stats.bootstrap import chosen_resampling
from distill_platform.stats.choice import Choice
from distill_platform.stats.differentials import TIE, Values
from distill_platform.stats.enumeration import enumerated_means
from distill_platform.stats.resampling import Resampling, column_means, resampled_deviations
from distill_platform.stats.series import Panel, as_panel
from distill_platform.stats.threads import in_chunks

Order = npt.NDArray[np.int64]

_NO_SPREAD = 1e-10  # a differential that varies less than this share of its two losses is rounding
_TILE = 512  # resamples looked at together: their running maxima stay in the nearest cache


class Statistic(Choice):
    """What is compared: each pair of models (T_R), or each model with the average of the set (T_max)."""

    RANGE = "range"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class ModelConfidenceSet:
    """Columns in the order of elimination, the worst first, and their p-values, which never fall; the last has 1."""

    elimination_order: tuple[int, ...]
    p_values: tuple[float, ...]
    statistic: Statistic
    provenance: Resampling | None

    def included(self, size: float = 0.05) -> tuple[int, ...]:
        """Return the columns of the set with confidence 1 - size, ascending; ValueError for a size outside (0, 1)."""
        if not 0.0 < size < 1.0:
            raise ValueError(f"size must lie in (0, 1), not {size}")
        return tuple(sorted(m for m, p in zip(self.elimination_order, self.p_values, strict=True) if p > size))


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """The order of elimination, each step's statistic, and what deviations are multiplied by to be compared with it.

    Rows and columns of `inverse` follow the order. For pairs it belongs to a pair, else to (step, model).
    """

    order: Order
    statistics: Values
    inverse: Panel


def mcs(
    losses: Any,
    n_resamples: int = 10_000,
    block_length: float | None = None,
    scheme: Scheme | str = Scheme.STATIONARY,
    statistic: Statistic | str = Statistic.RANGE,
    seed: int = 0,
    threads: int = 1,
) -> ModelConfidenceSet:
    """Return the model confidence set of losses of shape (T, K): lower is better.

    A step's p-value is (1 + #{simulated >= statistic}) / (1 + B), with bootstrap variances; a model's is the largest so
    far. Differentials that do not vary count as 0. `block_length` None takes the longest that is optimal for a column.
    Costs O(B K T / block_length + B K^2). Raises ValueError for fewer than one model or observation, NaN, a block
    length outside 1..T. Hansen, Lunde & Nason (2011), section 3.1.2, T_R and T_max.
    """
    panel = _checked(losses)
    provenance = chosen_resampling(panel, n_resamples, block_length, scheme, seed)
    deviations = resampled_deviations(panel, provenance, threads)
    steps = _steps(panel, deviations, Statistic(statistic), threads)
    counts = _counts(deviations, steps, steps.statistics * (1.0 - TIE), Statistic(statistic), threads)
    return _confidence_set(steps, (1 + counts) / (1 + n_resamples), Statistic(statistic), provenance)


def mcs_range_exact(losses: Any, block: int, scheme: Scheme | str = Scheme.CIRCULAR) -> ModelConfidenceSet:
    """Return the same with T_R by enumeration of all block starts, for tiny samples: shares of resamples above.

    Raises ValueError for more than two million resamples and for the stationary scheme; else as `mcs`.
    """
    panel = _checked(losses)
    deviations = enumerated_means(panel, block, scheme) - column_means(panel)
    steps = _steps(panel, deviations, Statistic.RANGE, 1)
    counts = _counts(deviations, steps, steps.statistics * (1.0 + TIE), Statistic.RANGE, 1)
    return _confidence_set(steps, counts / len(deviations), Statistic.RANGE, None)


def _checked(losses: Any) -> Panel:
    panel = as_panel(losses, name="losses")
    if panel.size == 0:
        raise ValueError(f"losses must have at least one observation and one model, not shape {panel.shape}")
    return panel


def _confidence_set(
    steps: _Steps, p: Values, statistic: Statistic, provenance: Resampling | None
) -> ModelConfidenceSet:
    p_values = np.maximum.accumulate(np.append(p, 1.0))
    return ModelConfidenceSet(tuple(steps.order.tolist()), tuple(p_values.tolist()), statistic, provenance)


def _steps(panel: Panel, deviations: Panel, statistic: Statistic, threads: int) -> _Steps:
    centred = panel - panel.mean(axis=1, keepdims=True)
    means = column_means(centred)
    variances = _pair_variances(deviations, threads)
    return (_range_steps if statistic is Statistic.RANGE else _max_steps)(means, variances)


def _pair_variances(deviations: Panel, threads: int) -> Panel:
    """Bootstrap variances of the mean differentials of all pairs, shape (K, K); 0 for those that do not vary."""
    variances = np.zeros((deviations.shape[1], deviations.shape[1]))
    in_chunks(lambda models: _add_pair_squares(deviations, models.start, variances[models]), len(variances), threads)
    variances /= len(deviations)
    own = np.mean(deviations**2, axis=0)
    variances[variances <= _NO_SPREAD**2 * (own[:, None] + own[None, :])] = 0.0
    return variances


def _range_steps(means: Values, variances: Panel) -> _Steps:
    """The worst model of the pair that differs most goes first: one walk over the pairs, sorted once."""
    inverse = _inverse_root(variances)
    differences = (means[:, None] - means[None, :]) * inverse
    order, statistics = [], []
    left = np.ones(len(means), dtype=np.bool_)
    for pair in np.argsort(-differences, axis=None, kind="stable").tolist():
        worse, better = divmod(pair, len(means))
        if worse != better and left[worse] and left[better]:
            order.append(worse)
            statistics.append(differences[worse, better])
            left[worse] = False
    order.append(int(np.argmax(left)))
    return _Steps(np.array(order), np.array(statistics), inverse[np.ix_(order, order)])


def _max_steps(means: Values, variances: Panel) -> _Steps:
    """The model that exceeds the average of the set most goes first; both change with the set."""
    order = np.arange(len(means))
    statistics = np.zeros(len(means) - 1)
    inverse = np.zeros_like(variances)
    _eliminate_worst(means, variances, order, statistics, inverse)
    return _Steps(order, statistics, np.ascontiguousarray(inverse[:, order]))


def _inverse_root(variances: Panel) -> Panel:
    """1 / sqrt, and 0 where there is no variance: such a differential is no evidence."""
    inverse = np.zeros_like(variances)
    some = variances > 0.0
    inverse[some] = 1.0 / np.sqrt(variances[some])
    return inverse


def _counts(
    deviations: Panel, steps: _Steps, least: Values, statistic: Statistic, threads: int
) -> npt.NDArray[np.int64]:
    """How many resamples' largest deviation reaches `least`, for each step."""
    count = _count_range if statistic is Statistic.RANGE else _count_max
    ordered = np.ascontiguousarray(deviations.T[steps.order])
    chunks = in_chunks(lambda chunk: _tiled(count, ordered[:, chunk], steps.inverse, least), len(deviations), threads)
    counts: npt.NDArray[np.int64] = np.sum(chunks, axis=0, dtype=np.int64)
    return counts


def _tiled(
    count: Callable[[Panel, Panel, Values, npt.NDArray[np.int64]], None], ordered: Panel, inverse: Panel, least: Values
) -> npt.NDArray[np.int64]:
    counts = np.zeros(len(least), dtype=np.int64)
    for start in range(0, ordered.shape[1], _TILE):
        count(np.ascontiguousarray(ordered[:, start : start + _TILE]), inverse, least, counts)
    return counts


@kernel
def _add_pair_squares(deviations: Panel, first: int, squares: Panel) -> None:
    """Sums of squared differences between models first, first + 1, ... and all models."""
    for start in range(0, len(deviations), 64):
        for row in range(len(squares)):
            for resample in range(start, min(start + 64, len(deviations))):
                own = deviations[resample, first + row]
                for other in range(deviations.shape[1]):
                    squares[row, other] += (own - deviations[resample, other]) ** 2


@kernel
def _eliminate_worst(means: Values, variances: Panel, order: Order, statistics: Values, inverse: Panel) -> None:
    """Sort `order` by elimination; the variance of x(i) - average is that of its pairs, less half that of all pairs."""
    n_models = len(means)
    for step in range(n_models - 1):
        left = np.sort(order[step:])
        pairs = np.zeros(len(left))
        for other in left:
            for place in range(len(left)):
                pairs[place] += variances[left[place], other] / len(left)
        all_pairs = np.sum(pairs) / len(left)
        average = np.sum(means[left]) / len(left)
        worst, largest = 0, -np.inf
        for place in range(len(left)):
            variance = pairs[place] - all_pairs / 2.0
            if variance > _NO_SPREAD**2 * all_pairs:
                inverse[step, left[place]] = 1.0 / np.sqrt(variance)
            excess = (means[left[place]] - average) * inverse[step, left[place]]
            if excess > largest:
                worst, largest = place, excess
        order[step] = left[worst]
        order[step + 1 :] = np.append(left[:worst], left[worst + 1 :])
        statistics[step] = max(largest, 0.0)


@kernel
def _count_range(ordered: Panel, inverse: Panel, least: Values, counts: npt.NDArray[np.int64]) -> None:
    n_models, n_resamples = ordered.shape
    largest = np.zeros(n_resamples)
    for step in range(n_models - 2, -1, -1):
        for other in range(step + 1, n_models):
            for resample in range(n_resamples):
                size = abs(ordered[step, resample] - ordered[other, resample]) * inverse[step, other]
                largest[resample] = max(largest[resample], size)
        for resample in range(n_resamples):
            counts[step] += largest[resample] >= least[step]


@kernel
def _count_max(ordered: Panel, inverse: Panel, least: Values, counts: npt.NDArray[np.int64]) -> None:
    n_models, n_resamples = ordered.shape
    total = ordered[n_models - 1].copy()
    for step in range(n_models - 2, -1, -1):
        largest = np.zeros(n_resamples)
        total += ordered[step]
        mean = total / (n_models - step)
        for model in range(step, n_models):
            for resample in range(n_resamples):
                size = (ordered[model, resample] - mean[resample]) * inverse[step, model]
                largest[resample] = max(largest[resample], size)
        for resample in range(n_resamples):
            counts[step] += largest[resample] >= least[step]
