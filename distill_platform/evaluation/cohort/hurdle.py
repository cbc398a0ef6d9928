"""The hurdle: the Sharpe ratio that the best of so many trials shows by luck, and what is left above it.

The deflated Sharpe ratio asks how much Sharpe ratios vary across trials. Taking the variance over all of them lets a
true edge raise its own hurdle: one strategy of a yearly Sharpe ratio of 2 among 49 without skill is then found in 57 %
of cohorts, where knowing the null would find it in 70 %. So the run that is judged is left out of the variance, and
because few or alike trials vary too little, the variance is never taken below that of a Sharpe ratio without skill.
`docs/overfitting.md` has the table of the alternatives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distill_platform.evaluation.trials import TrialRecord, distinct_trials
from distill_platform.stats import dsr_benchmark, dsr_from_moments, moments
from distill_platform.stats.series import Series


@dataclass(frozen=True)
class Deflated:
    """A Sharpe ratio after the search it came from. `expected_max_sharpe` is per day, as the run's own ratio."""

    probability: float
    expected_max_sharpe: float
    n_trials: int


def deflated_sharpe(net: Series, content_sha256: str, n_trials: int, records: Sequence[TrialRecord]) -> Deflated:
    """Return how sure a run's daily net returns, shape (T,), make us that it has skill, the best of `n_trials`.

    It is `stats.dsr_from_moments` with `variance_of_luck` of the other trials; per day with steps. NaN where the run
    has no Sharpe ratio. Raises ValueError for NaN, infinities, no days, and for no trials.
    """
    variance = variance_of_luck(len(net), content_sha256, records)
    found = moments(net)
    ratio = found.mean / found.sd if found.sd > 0.0 else math.nan
    return Deflated(
        dsr_from_moments(ratio, found.n_obs, found.skew, found.kurt, variance, n_trials),
        dsr_benchmark(variance, n_trials),
        n_trials,
    )


def variance_of_luck(n_days: int, content_sha256: str, records: Sequence[TrialRecord]) -> float:
    """Return how much the Sharpe ratio per day of a run of `n_days` varies across trials that have no skill.

    The sample variance over all other distinct sound trials, ablations included, each in its own standard errors
    (times its days - 1), so that a short trial counts for no more than a long one; and at least 1, the variance without
    skill whatever the skewness and kurtosis (Mertens 2002 at a ratio of 0). Both over n_days - 1.
    """
    others = [
        record.sharpe * math.sqrt(record.n_days - 1)
        for record in distinct_trials(records)
        if record.sound and record.sharpe is not None and record.content_sha256 != content_sha256
    ]
    observed = float(np.var(others, ddof=1)) if len(others) > 1 else 0.0
    return max(1.0, observed) / max(n_days - 1, 1)
