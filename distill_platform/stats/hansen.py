"""Hansen's kernel variance: of a mean under the stationary bootstrap, without drawing a single resample."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel
from distill_platform.stats.resampling import column_means
from distill_platform.stats.series import NanPolicy, Panel, as_panel, as_series


def hansen_kernel_variance(series: Any, q: float, *, nan_policy: NanPolicy | str = NanPolicy.RAISE) -> float:
    """Return the long-run variance omega^2 of a series, in squared units of it: T times the variance of its mean.

    omega^2 = g(0) + 2 sum_{i=1}^{T-1} k(T, i) g(i), with population autocovariances g and the kernel
    k(T, i) = (T-i)/T (1-q)^i + i/T (1-q)^(T-i); q = 1 / mean block length. Exact in O(T). A constant series has 0.
    Raises ValueError for q outside (0, 1] or an empty series. Hansen (2005), equation for omega^2 in section 2.2.
    """
    column = as_series(series, name="series", nan_policy=nan_policy)
    return float(hansen_kernel_variance_cols(column[:, None], q)[0])


def hansen_kernel_variance_cols(diff: Any, q: float) -> npt.NDArray[np.float64]:
    """Return `hansen_kernel_variance` of each column of a (T, K) panel, shape (K,), in O(T K)."""
    panel = as_panel(diff, name="diff")
    if len(panel) == 0:
        raise ValueError("diff has no observations; a variance needs at least one")
    if not 0.0 < q <= 1.0:
        raise ValueError(f"q must lie in (0, 1], not {q}; it is 1 / mean block length")
    variances = np.zeros(panel.shape[1])
    _add_kernel_variances(panel - column_means(panel), 1.0 - q, variances)
    variances[panel.max(axis=0) == panel.min(axis=0)] = 0.0
    return variances


@kernel
def _add_kernel_variances(centred: Panel, decay: float, variances: npt.NDArray[np.float64]) -> None:
    """With circular autocovariances the kernel is (1 - i/T) decay^i, and its sums over all i follow a recursion.

    plain(t) = sum_i decay^i x(t+i) and ramp(t) = sum_i i decay^i x(t+i), i = 0..T-1, indices modulo T, are had from
    those of t+1; then omega^2 = 1/T sum_t x(t) (2 plain(t) - 2/T ramp(t) - x(t)).
    """
    n_observations, n_columns = centred.shape
    plain = np.zeros(n_columns)
    ramp = np.zeros(n_columns)
    power = 1.0
    for lag in range(n_observations):
        for column in range(n_columns):
            plain[column] += power * centred[lag, column]
            ramp[column] += lag * power * centred[lag, column]
        power *= decay
    for time in range(n_observations - 1, -1, -1):
        for column in range(n_columns):
            x = centred[time, column]
            ramp[column] = decay * (ramp[column] + plain[column]) - n_observations * power * x
            plain[column] = decay * plain[column] + (1.0 - power) * x
            variances[column] += x * (2.0 * plain[column] - 2.0 / n_observations * ramp[column] - x)
    for column in range(n_columns):
        variances[column] /= n_observations
