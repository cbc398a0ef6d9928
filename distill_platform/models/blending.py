"""Blending: how much weight two models' scores get, found out of fold and reported on other folds than it was found on.

Each fold is blended with the weight that did best on the other folds, so that the weight has seen nothing of what it is
reported on. A network has to earn its place: where the best blend is not better than the tabular model alone by twice
the standard error of that difference over the folds, the tabular model stays alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from pydantic import Field

from distill_platform.core.config import StrictModel
from distill_platform.core.errors import ModelError
from distill_platform.models.frames import Flags, Floats, TrainingFrame
from distill_platform.models.out_of_fold import OutOfFold, verify_out_of_fold
from distill_platform.models.policy import Policy
from distill_platform.stats import rank_correlation

_ALONE = Policy(100)
_STANDARD_ERRORS = 2.0


class EnsembleSettings(StrictModel):
    """How finely weights are tried, in hundredths: 5 is 0.00, 0.05, ..., 1.00."""

    step_hundredths: Annotated[int, Field(ge=1, le=50)] = 5


@dataclass(frozen=True, slots=True)
class BlendedFold:
    """A fold, the policy that the other folds chose, and rank correlations with the label on this one."""

    fold: int
    policy: str
    rank_ic: float
    tabular_rank_ic: float
    network_rank_ic: float


@dataclass(frozen=True, eq=False)
class Blend:
    """The policy that all folds of the search window choose, for use after it, and what it is worth out of fold.

    Scales are root mean squares of each model's scores out of fold; `scores`, shape (N,), are in units of them, each
    fold blended by the others' choice, NaN where either model has no score out of fold. `scale` is their root mean
    square.
    """

    policy: Policy
    tabular_scale: float
    network_scale: float
    scale: float
    folds: tuple[BlendedFold, ...]
    scores: Floats = field(repr=False)

    @property
    def mean_rank_ic(self) -> float:
        """Return the mean rank correlation over the folds, each blended by the others' choice."""
        return math.fsum(fold.rank_ic for fold in self.folds) / len(self.folds)


def fit_blend(frame: TrainingFrame, tabular: OutOfFold, network: OutOfFold, settings: EnsembleSettings) -> Blend:
    """Return the blend of two models by their scores out of fold, over the same folds of the same frame.

    Raises LeakError for scores that are not out of fold, and ModelError for models that were not scored on the same
    folds, or whose scores do not vary.
    """
    for found in (tabular, network):
        verify_out_of_fold(found, frame)
    if not np.array_equal(tabular.fold, network.fold):
        raise ModelError("the two models were scored on different folds", hint="Give both the same folds")
    known = tabular.is_out_of_fold & network.is_out_of_fold & frame.is_trainable
    scales = fit_scale(tabular.scores[known]), fit_scale(network.scores[known])
    policies = [Policy(weight) for weight in _weights(settings)]
    blended = np.stack([_mixed(policy, tabular.scores / scales[0], network.scores / scales[1]) for policy in policies])
    numbers = [fold.number for fold in tabular.folds]
    ics = _rank_ics(blended, frame.label, tabular, known)
    scores, folds = np.full(len(frame), np.nan), []
    for place, number in enumerate(numbers):
        chosen = _chosen(np.delete(ics, place, axis=1), policies)
        rows = known & (tabular.fold == number)
        scores[rows] = blended[chosen, rows]
        folds.append(BlendedFold(number, str(policies[chosen]), *(float(ics[row, place]) for row in (chosen, -1, 0))))
    return Blend(policies[_chosen(ics, policies)], *scales, fit_scale(scores[known]), tuple(folds), scores)


def fit_scale(scores: Floats) -> float:
    """Return the root mean square of the scores that are there: the unit in which a model's scores are traded.

    Raises ModelError where it is not a positive number: such scores say nothing.
    """
    known = scores[np.isfinite(scores)]
    largest = float(np.abs(known).max()) if len(known) else 0.0
    if not largest > 0.0:
        raise ModelError(
            "the model's scores out of fold are all zero, or there are none: nothing can be traded on them"
        )
    return largest * math.sqrt(math.fsum((known / largest) ** 2) / len(known))


def _weights(settings: EnsembleSettings) -> list[int]:
    return sorted({*range(0, 100, settings.step_hundredths), 100})


def _mixed(policy: Policy, tabular: Floats, network: Floats) -> Floats:
    """Return the blend; a model that does not count need not have a score."""
    if policy.uses_tabular and policy.uses_network:
        return policy.alpha * tabular + (1.0 - policy.alpha) * network
    return tabular if policy.uses_tabular else network


def _rank_ics(blended: Floats, label: Floats, tabular: OutOfFold, known: Flags) -> Floats:
    """Return the rank correlation of each blend with the label in each fold, shape (P, K); 0 for constant scores."""
    rows = [np.flatnonzero(known & (tabular.fold == fold.number)) for fold in tabular.folds]
    found = [[rank_correlation(scores[fold], label[fold]) for fold in rows] for scores in blended]
    ics: Floats = np.nan_to_num(np.array(found))
    return ics


def _chosen(ics: Floats, policies: list[Policy]) -> int:
    """Return the place of the best policy by mean over folds; of one model alone unless the blend is surely better."""
    best = int(np.argmax(ics.mean(axis=1)))
    for alone in (len(policies) - 1, 0):
        if not _is_surely_better(ics[best] - ics[alone]):
            return alone
    return best


def _is_surely_better(gains: Floats) -> bool:
    """Return whether the mean gain over folds exceeds its standard error by enough; unknown is no."""
    if len(gains) < 2:
        return False
    error = float(gains.std(ddof=1)) / math.sqrt(len(gains))
    return bool(gains.mean() > _STANDARD_ERRORS * error and gains.mean() > 0.0)
