"""Portfolio risk: how much of the value at risk or expected shortfall of a portfolio each member is to blame for.

Risk grows in proportion to the positions, so it is the sum over members of weight times marginal risk (Euler; Tasche
1999, "Risk contributions and performance measurement"). Losses are positive: a negative component lowers the risk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distill_platform.stats.normal import ppf
from distill_platform.stats.series import Series, as_panel, as_series
from distill_platform.stats.tail import check_level, tail_size

_ROUNDING = 8.0 * np.finfo(np.float64).eps


@dataclass(frozen=True, slots=True)
class RiskDecomposition:
    """The risk of a portfolio, and what each member adds to it.

    `marginal[k]` is the change of the risk per unit of weight k, `component[k]` = weight * marginal; components sum to
    `total`.
    """

    total: float
    marginal: Series = field(repr=False)
    component: Series = field(repr=False)


def marginal_var_gaussian(weights: Any, cov: Any, confidence: float = 0.95, mean: Any = None) -> RiskDecomposition:
    """Return the decomposition of the value at risk of a portfolio of jointly normal returns, z sd - mean.

    `cov` has shape (N, N), `mean` shape (N,) or is 0. Where the portfolio has no variance its risk has no derivative:
    marginals and components are NaN, the total is minus the mean. Sums are plain sums, no BLAS. O(N^2).

    Raises ValueError for shapes that differ, a covariance that is not symmetric or gives a negative variance, NaN,
    infinities, and a level outside (0, 1).
    """
    z = ppf(check_level(confidence, "confidence"))
    weights, cov = as_series(weights, name="weights"), as_panel(cov, name="cov")
    means = np.zeros(len(weights)) if mean is None else as_series(mean, name="mean")
    if len(weights) == 0 or cov.shape != (len(weights), len(weights)) or len(means) != len(weights):
        raise ValueError(f"{len(weights)} weights do not fit {cov.shape} covariances and {len(means)} means")
    if not np.allclose(cov, cov.T, rtol=1e-9, atol=0.0):
        raise ValueError("cov must be symmetric")
    volatility = _volatility(weights, cov)
    marginal = -means + z * (cov * weights).sum(axis=1) / volatility
    return RiskDecomposition(
        total=-math.fsum(weights * means) + (0.0 if math.isnan(volatility) else z * volatility),
        marginal=marginal,
        component=weights * marginal,
    )


def marginal_es_historical(returns: Any, weights: Any, confidence: float = 0.95) -> RiskDecomposition:
    """Return the decomposition of the historical expected shortfall of a portfolio: mean losses in its worst periods.

    `returns` has shape (T, N); the portfolio is rebalanced to `weights` every period. The worst k = (1 - confidence) T
    periods count, the last of them with the fraction that belongs to the tail, as in `es_historical`; of equally bad
    periods the earlier ones count as worse. `marginal` is minus the members' mean return in them. O(T (N + log T)).

    Raises ValueError for shapes that differ, empty input, NaN, infinities, and a level outside (0, 1).
    """
    panel, weights = as_panel(returns), as_series(weights, name="weights")
    if panel.size == 0 or panel.shape[1] != len(weights):
        raise ValueError(f"{len(weights)} weights do not fit returns of shape {panel.shape}")
    size = tail_size(len(panel), confidence)
    worst = np.argsort((panel * weights).sum(axis=1), kind="stable")[: math.ceil(size)]
    share = np.ones(len(worst))
    share[-1] = float(size - (len(worst) - 1))
    marginal = 0.0 - (panel[worst] * share[:, np.newaxis]).sum(axis=0) / float(size)
    component = weights * marginal
    return RiskDecomposition(total=math.fsum(component), marginal=marginal, component=component)


def _volatility(weights: Series, cov: Series) -> float:
    """Return the standard deviation of the portfolio; NaN where its variance is no more than rounding."""
    terms = cov * np.outer(weights, weights)
    variance = math.fsum(terms.ravel())
    if abs(variance) <= _ROUNDING * float(np.abs(terms).sum()):
        return math.nan
    if variance < 0.0:
        raise ValueError(f"cov is not a covariance: the variance of the portfolio would be {variance}")
    return math.sqrt(variance)
