"""Bootstrap: the distribution of a mean, a Sharpe ratio or any function of means, over block resamples."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.stats.block_length import default_block_length
from distill_platform.stats.blocks import Scheme
from distill_platform.stats.choice import Choice
from distill_platform.stats.enumeration import enumerated_means, enumerated_stationary_means
from distill_platform.stats.hansen import hansen_kernel_variance
from distill_platform.stats.resampling import Resampling, column_means, resampled_deviations
from distill_platform.stats.series import NanPolicy, Panel, Series, as_panel, as_series, is_constant

Values = npt.NDArray[np.float64]

_ROUNDING = 1e-12  # a resampled mean, or a variance relative to the sample's, that is not above this may well be 0


class IntervalMethod(Choice):
    """How quantiles of a bootstrap distribution become a confidence interval."""

    PERCENTILE = "percentile"
    BASIC = "basic"


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """Bounds, NaN if the statistic has no value in some resample."""

    lower: float
    upper: float
    level: float
    method: IntervalMethod


@dataclass(frozen=True, slots=True, eq=False)
class BootstrapDistribution:
    """A statistic of the sample and of each resample; `values` has shape (n_resamples,), NaN where there is none."""

    estimate: float
    values: Values = field(repr=False)
    provenance: Resampling

    def standard_error(self) -> float:
        """Return the standard deviation of the values, NaN if any is."""
        return float(np.std(self.values))

    def confidence_interval(
        self, level: float = 0.95, method: IntervalMethod | str = IntervalMethod.PERCENTILE
    ) -> ConfidenceInterval:
        """Return the two-sided interval of a level: quantiles, or reflected at the estimate (`basic`).

        Raises ValueError for a level outside (0, 1). Davison & Hinkley (1997), (5.6) basic and (5.18) percentile.
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"level must lie in (0, 1), not {level}")
        low, high = np.quantile(self.values, [0.5 - level / 2.0, 0.5 + level / 2.0]).tolist()
        if IntervalMethod(method) is IntervalMethod.BASIC:
            low, high = 2.0 * self.estimate - high, 2.0 * self.estimate - low
        return ConfidenceInterval(low, high, level, IntervalMethod(method))

    def p_value(self, null: float = 0.0) -> float:
        """Return the one-sided p-value of "the statistic is at most `null`", by the distribution moved onto the null.

        (1 + #{value - estimate >= estimate - null}) / (1 + B), ties up to rounding included; resamples without a
        value count as such, and an estimate that is NaN has p = 1.
        """
        excess = self.estimate - null
        below = np.count_nonzero(self.values - self.estimate < excess - _ROUNDING * abs(excess))
        return float((1 + len(self.values) - below) / (1 + len(self.values)))


def bootstrap_means(
    panel: Any,
    n_resamples: int = 10_000,
    block_length: float | None = None,
    scheme: Scheme | str = Scheme.STATIONARY,
    seed: int = 0,
    threads: int = 1,
) -> Values:
    """Return the column means of each resample, shape (n_resamples, K), for a (T, K) panel.

    All columns of a row come from the same observations. `block_length` is the mean one of the stationary scheme;
    None takes the longest that is optimal for a column (`optimal_block_length`). Costs O(B K T / block_length).
    Raises ValueError for an empty panel, NaN, a block length outside 1..T, n_resamples < 1, threads < 1.
    """
    checked = as_panel(panel, name="panel")
    provenance = chosen_resampling(checked, n_resamples, block_length, scheme, seed)
    means: Values = column_means(checked) + resampled_deviations(checked, provenance, threads)
    return means


def bootstrap_statistic(
    terms: Any,
    statistic: Callable[[Panel], Values],
    n_resamples: int = 10_000,
    block_length: float | None = None,
    scheme: Scheme | str = Scheme.STATIONARY,
    seed: int = 0,
    threads: int = 1,
) -> BootstrapDistribution:
    """Return the distribution of any statistic that is a function of means.

    `terms` (T, M) are the observations' contributions, `statistic` turns (n, M) means of them into (n,) values. A
    correlation has terms x, y, x^2, y^2 and xy, for example. The rest is as in `bootstrap_means`.
    """
    checked = as_panel(terms, name="terms")
    provenance = chosen_resampling(checked, n_resamples, block_length, scheme, seed)
    means = column_means(checked)
    values = np.asarray(statistic(means + resampled_deviations(checked, provenance, threads)), dtype=np.float64)
    return BootstrapDistribution(float(statistic(means[None, :])[0]), values, provenance)


def bootstrap_mean(
    returns: Any,
    n_resamples: int = 10_000,
    block_length: float | None = None,
    scheme: Scheme | str = Scheme.STATIONARY,
    seed: int = 0,
    threads: int = 1,
    *,
    nan_policy: NanPolicy | str = NanPolicy.RAISE,
) -> BootstrapDistribution:
    """Return the distribution of the mean return, in units of it. The rest is as in `bootstrap_means`."""
    series = as_series(returns, nan_policy=nan_policy)
    return bootstrap_statistic(
        series[:, None], lambda means: means[:, 0], n_resamples, block_length, scheme, seed, threads
    )


def bootstrap_sharpe(
    returns: Any,
    n_resamples: int = 10_000,
    block_length: float | None = None,
    scheme: Scheme | str = Scheme.STATIONARY,
    seed: int = 0,
    threads: int = 1,
    *,
    nan_policy: NanPolicy | str = NanPolicy.RAISE,
) -> BootstrapDistribution:
    """Return the distribution of the per-period Sharpe ratio (mean over standard deviation with ddof=1).

    NaN where a resample is constant, told by a variance below 1e-12 of the sample's; all NaN for a constant sample or
    one observation. Costs O(B T / block_length). The rest is as in `bootstrap_means`.
    """
    series = as_series(returns, nan_policy=nan_policy)
    provenance = chosen_resampling(series[:, None], n_resamples, block_length, scheme, seed)
    if is_constant(series):
        return BootstrapDistribution(math.nan, np.full(n_resamples, math.nan), provenance)
    mean = float(series.mean())
    centred = series - mean
    squares = centred**2
    variance = float(squares.mean())
    moments = resampled_deviations(np.column_stack([centred, squares]), provenance, threads)
    variances = moments[:, 1] + variance - moments[:, 0] ** 2
    variances[variances <= _ROUNDING * variance] = math.nan
    unbiased = len(series) / (len(series) - 1)
    values = (mean + moments[:, 0]) / np.sqrt(unbiased * variances)
    return BootstrapDistribution(mean / math.sqrt(unbiased * variance), values, provenance)


def bootstrap_prob_mean_positive(
    returns: Any,
    n_resamples: int = 10_000,
    block_length: float | None = None,
    scheme: Scheme | str = Scheme.STATIONARY,
    seed: int = 0,
    threads: int = 1,
    *,
    nan_policy: NanPolicy | str = NanPolicy.RAISE,
) -> float:
    """Return the share of resamples whose mean is positive; one that is 0 up to rounding is not.

    The rest is as in `bootstrap_means`.
    """
    series = as_series(returns, nan_policy=nan_policy)
    means = bootstrap_means(series[:, None], n_resamples, block_length, scheme, seed, threads)
    return float(np.mean(_positive(means[:, 0], series)))


def bootstrap_prob_sharpe_positive(
    returns: Any,
    n_resamples: int = 10_000,
    block_length: float | None = None,
    scheme: Scheme | str = Scheme.STATIONARY,
    seed: int = 0,
    threads: int = 1,
    *,
    nan_policy: NanPolicy | str = NanPolicy.RAISE,
) -> float:
    """Return the share of resamples whose Sharpe ratio is positive; a constant resample has none and does not count.

    The rest is as in `bootstrap_means`.
    """
    series = as_series(returns, nan_policy=nan_policy)
    found = bootstrap_sharpe(series, n_resamples, block_length, scheme, seed, threads)
    spread = 0.0 if is_constant(series) else float(series.std())
    return float(np.mean(_positive(found.values * spread, series)))


def bootstrap_prob_mean_positive_exact(returns: Any, block: int, scheme: Scheme | str = Scheme.CIRCULAR) -> float:
    """Return the probability that the mean of a resample is positive, by enumeration of all resamples.

    Raises ValueError for more than two million of them, an empty series, or a block outside 1..T.
    """
    series = as_series(returns)
    if Scheme(scheme) is Scheme.STATIONARY:
        means, probability = enumerated_stationary_means(series[:, None], block)
        return float(np.sum(probability[_positive(means[:, 0], series)]))
    return float(np.mean(_positive(enumerated_means(series[:, None], block, scheme)[:, 0], series)))


def sb_variance_of_mean(returns: Any, mean_block: float, *, nan_policy: NanPolicy | str = NanPolicy.RAISE) -> float:
    """Return the variance of the mean over all stationary resamples, in squared returns, exactly and in O(T).

    Raises ValueError for mean_block < 1 or an empty series. Politis & Romano (1994), lemma 1.
    """
    series = as_series(returns, nan_policy=nan_policy)
    if not mean_block >= 1:
        raise ValueError(f"mean_block must be at least 1, not {mean_block}")
    return hansen_kernel_variance(series, 1.0 / mean_block) / len(series)


def chosen_resampling(
    panel: Panel, n_resamples: int, block_length: float | None, scheme: Scheme | str, seed: int
) -> Resampling:
    """Return the provenance of a procedure on a panel, with the block length filled in if nobody chose one."""
    if len(panel) == 0:
        raise ValueError("there are no observations; a resample needs at least one")
    length = default_block_length(panel, scheme) if block_length is None else float(block_length)
    return Resampling(seed, n_resamples, length, Scheme(scheme))


def _positive(means: Values, series: Series) -> npt.NDArray[np.bool_]:
    return means > _ROUNDING * float(np.abs(series).max())
