"""The deflated Sharpe ratio: the probabilistic one, with the hurdle that the best of so many trials clears by luck."""

from __future__ import annotations

import math
from typing import Any

from distill_platform.stats.maxima import MaximumMethod, expected_max_z
from distill_platform.stats.psr import Moments, psr_from_moments, sharpe_moments
from distill_platform.stats.series import NanPolicy, as_series


def dsr(
    returns: Any,
    trial_srs: Any = None,
    *,
    var_trials: float | None = None,
    n_trials: float | None = None,
    ddof: int = 1,
    moments: Moments | str = Moments.POPULATION,
    method: MaximumMethod | str = MaximumMethod.GUMBEL_APPROX,
    nan_policy: NanPolicy | str = NanPolicy.RAISE,
) -> float:
    """Return the probability that the true Sharpe ratio of `returns`, the best of several trials, is above 0.

    See `dsr_from_moments` for the trials and `psr` for the moments. `nan_policy` is for `returns`; a NaN among
    `trial_srs` is always refused. O(T + N).
    """
    found = sharpe_moments(returns, ddof, moments, nan_policy)
    return dsr_from_moments(
        *found, var_trials=var_trials, n_trials=n_trials, trial_srs=trial_srs, ddof=ddof, method=method
    )


def dsr_from_moments(
    sr: float,
    n_obs: float,
    skew: float,
    kurt: float,
    var_trials: float | None = None,
    n_trials: float | None = None,
    trial_srs: Any = None,
    ddof: int = 1,
    method: MaximumMethod | str = MaximumMethod.GUMBEL_APPROX,
) -> float:
    """Return the probability that a true Sharpe ratio is above 0, its track record being the best of several trials.

    It is `psr_from_moments` against `dsr_benchmark` (Bailey and Lopez de Prado 2014, "The Deflated Sharpe Ratio");
    all ratios per period, `kurt` raw. The trials are given either by their Sharpe ratios, all of them and not
    only the good ones, `ddof` being that of their variance, or by `var_trials` and `n_trials`. One trial gives the PSR
    against 0. NaN as `psr_from_moments`.

    Raises ValueError for both or neither description of the trials, and as `dsr_benchmark`.
    """
    if trial_srs is None:
        benchmark = _benchmark_of_counted(var_trials, n_trials, method)
    elif var_trials is None and n_trials is None:
        benchmark = _benchmark_of_listed(trial_srs, ddof, method)
    else:
        raise ValueError("trial_srs says how many trials there were and how they vary: drop var_trials and n_trials")
    return psr_from_moments(sr, benchmark, n_obs, skew, kurt)


def dsr_benchmark(
    var_trials: float, n_trials: float, method: MaximumMethod | str = MaximumMethod.GUMBEL_APPROX
) -> float:
    """Return the Sharpe ratio that the best of `n_trials` trials without skill is expected to show.

    sqrt(var_trials) times `expected_max_z`, in the units of the trials' ratios; 0 for one trial. `var_trials` is the
    variance of Sharpe ratios across trials. The sample variance of correlated trials is already smaller by 1 - rho:
    reducing `n_trials` to an effective number as well would count the correlation twice.

    Raises ValueError for `n_trials` below 1 and for a variance that is negative, NaN or infinite.
    """
    if not 0 <= var_trials < math.inf:
        raise ValueError(f"var_trials must be a variance, a number of at least 0, not {var_trials}")
    return math.sqrt(var_trials) * expected_max_z(n_trials, method)


def _benchmark_of_counted(var_trials: float | None, n_trials: float | None, method: MaximumMethod | str) -> float:
    if n_trials is None or var_trials is None:
        raise ValueError("pass the Sharpe ratios of all trials as trial_srs, or both var_trials and n_trials")
    return dsr_benchmark(var_trials, n_trials, method)


def _benchmark_of_listed(trial_srs: Any, ddof: int, method: MaximumMethod | str) -> float:
    trials = as_series(trial_srs, name="trial_srs")
    if len(trials) == 0:
        raise ValueError("trial_srs is empty; the chosen strategy itself is a trial")
    variance = float(trials.var(ddof=ddof)) if len(trials) > 1 else 0.0
    return dsr_benchmark(variance, len(trials), method)
