"""Maxima: how high the best of N draws of luck is expected to be, the hurdle that a chosen strategy must clear."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from distill_platform.stats.choice import Choice
from distill_platform.stats.normal import EULER_GAMMA, cdf, isf, ppf, sf

_STEPS = 400  # the trapezoidal rule gains digits with every step here: 200 already give 13
_LOWER_TAIL = 45.0  # the window starts where P(max < z) = exp(-45) = 3e-20
_UPPER_TAIL = 1e-20  # and ends where P(max > z) is about that
_SMALLEST = 1e-300  # probabilities below have few digits or none


class MaximumMethod(Choice):
    """How the expected maximum is computed: the approximation of the papers, or the integral itself."""

    GUMBEL_APPROX = "gumbel_approx"
    EXACT = "exact"


def expected_max_z(n_trials: float, method: MaximumMethod | str = MaximumMethod.GUMBEL_APPROX) -> float:
    """Return the expected maximum of `n_trials` independent standard normal draws: 0 for one trial, 2.51 for 100.

    "gumbel_approx" is (1 - g) z(1 - 1/N) + g z(1 - 1/(N e)), g the Euler-Mascheroni constant (Bailey and Lopez de Prado
    2014, "The Deflated Sharpe Ratio"), never below 0: 7.9 % too low at N=2, 0.9 % too high at 100. "exact"
    integrates z N pdf(z) cdf(z)^(N-1) to 12 digits. `n_trials` may be fractional, as an effective number of trials is.
    The cost does not depend on N. Raises ValueError for `n_trials` below 1, NaN or infinite.
    """
    _check_trials(n_trials)
    method = MaximumMethod(method)
    if n_trials == 1:
        return 0.0
    if method is MaximumMethod.EXACT:
        z, weights = _density(n_trials)
        return float(z @ weights)
    return max(0.0, (1 - EULER_GAMMA) * isf(1 / n_trials) + EULER_GAMMA * isf(1 / n_trials / math.e))


def std_max_z(n_trials: float) -> float:
    """Return the standard deviation of the maximum of `n_trials` independent standard normal draws, exact to 12 digits.

    1 for one trial, 0.42942 for 100 (Lopez de Prado, Lipton and Zoonekynd 2025, Exhibit 3). Raises ValueError for
    `n_trials` below 1, NaN or infinite.
    """
    _check_trials(n_trials)
    z, weights = _density(n_trials)
    return float(np.sqrt((z - z @ weights) ** 2 @ weights))


def expected_max_z_equicorrelated(
    n_trials: float, rho: float, method: MaximumMethod | str = MaximumMethod.GUMBEL_APPROX
) -> float:
    """Return the expected maximum of `n_trials` standard normal draws, each two of them correlated by `rho`.

    It is sqrt(1 - rho) times that of independent draws: X_i = sqrt(rho) Z + sqrt(1 - rho) e_i, and what all share moves
    no maximum. The sample variance across correlated trials carries the same factor already, so a benchmark made from
    it (`dsr_benchmark`) must not be corrected again, neither by this nor by an effective number of trials.

    Raises ValueError for a `rho` that N variables cannot have: outside [-1/(N - 1), 1].
    """
    _check_correlation(n_trials, rho)
    return math.sqrt(1 - rho) * expected_max_z(n_trials, method)


def effective_trials_linear(n_trials: float, avg_corr: float) -> float:
    """Return how many independent trials `n_trials` correlated ones count for: rho + (1 - rho) N, by interpolation.

    From Bailey and Lopez de Prado 2014, "The Deflated Sharpe Ratio", appendix. For use with a variance of trials that
    was assumed or taken from independent ones, never with the sample variance across the correlated trials themselves.

    Raises ValueError for `n_trials` below 1 and for an `avg_corr` outside [-1/(N - 1), 1].
    """
    _check_correlation(n_trials, avg_corr)
    return avg_corr + (1 - avg_corr) * n_trials


def _density(n_trials: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return points and weights, of sum 1, that integrate a function over the distribution of the maximum."""
    low = ppf(math.exp(-_LOWER_TAIL / n_trials)) if n_trials < 2 else isf(-math.expm1(-_LOWER_TAIL / n_trials))
    z = np.linspace(low, isf(max(_UPPER_TAIL / n_trials, _SMALLEST)), _STEPS + 1)
    log_density = (n_trials - 1) * np.array([_log_cdf(point) for point in z]) - 0.5 * z * z
    weights = np.exp(log_density - log_density.max())
    return z, weights / weights.sum()


def _log_cdf(z: float) -> float:
    return math.log1p(-sf(z)) if z > 0 else math.log(cdf(z))


def _check_trials(n_trials: float) -> None:
    if not 1 <= n_trials < math.inf:
        raise ValueError(f"n_trials must be a number of at least 1, not {n_trials}")


def _check_correlation(n_trials: float, correlation: float) -> None:
    _check_trials(n_trials)
    lowest = -1 / max(n_trials - 1, 1.0)
    if not lowest <= correlation <= 1:
        raise ValueError(f"the correlation of {n_trials} trials must lie in [{lowest:.6g}, 1], not {correlation}")
