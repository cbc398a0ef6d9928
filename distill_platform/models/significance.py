"""Significance: what the whole procedure finds where there is nothing to find.

Labels overlap and markets have moods, so neighbouring labels are alike: shuffled one by one they give a null that is
far too narrow, and noise comes out as five standard deviations. Here labels move in blocks of calendar time, the same
for all symbols, and the procedure is fitted anew for each permutation: folds, purging and all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np
from pydantic import Field

from distill_platform.core.config import StrictModel
from distill_platform.core.errors import ConfigError
from distill_platform.core.workers import Workers
from distill_platform.models.frames import Floats, Integers, TrainingFrame
from distill_platform.models.out_of_fold import Fit, score_out_of_fold
from distill_platform.models.validation.folds import Fold
from distill_platform.stats import optimal_block_length
from distill_platform.stats.randomness import mix64

_FEWEST_BLOCKS = 8  # 8! orders of them are more than anybody asks for permutations


class SignificanceSettings(StrictModel):
    """How often labels are permuted, and the shortest block in bars; blocks are never shorter than labels reach."""

    permutations: Annotated[int, Field(ge=19, le=100_000)] = 99
    min_block_bars: Annotated[int, Field(ge=1)] = 24
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0


@dataclass(frozen=True, eq=False)
class NullDistribution:
    """The mean rank correlation out of fold that a procedure reached, and `values`, shape (B,), on permuted labels."""

    observed: float
    values: Floats = field(repr=False)
    block_bars: int
    seed: int

    @property
    def p_value(self) -> float:
        """Return (1 + #{value >= observed}) / (1 + B), never 0; 1 if nothing could be observed."""
        below = np.count_nonzero(self.values < self.observed)
        return float((1 + len(self.values) - below) / (1 + len(self.values)))


def null_distribution(
    frame: TrainingFrame,
    folds: Sequence[Fold],
    fit: Fit,
    bar_ns: int,
    settings: SignificanceSettings,
    workers: Workers | None = None,
) -> NullDistribution:
    """Return what the procedure reaches on the frame's labels, and on permutations of them, over the same folds.

    `folds` are purged or walk-forward ones of this frame. The result is the same for any number of workers. Costs B + 1
    times the fits of all folds. Raises ConfigError for a frame too short to be cut into blocks; others: those of `fit`.
    """
    block = block_bars(frame, bar_ns, settings)
    tasks = (
        _Task(frame, tuple(folds), fit, bar_ns, block, settings.seed, number) for number in range(settings.permutations)
    )
    observed = score_out_of_fold(frame, folds, fit).mean_rank_ic
    values = list((workers or Workers()).map(_permuted_rank_ic, tasks))
    return NullDistribution(observed, np.array(values), block, settings.seed)


def block_bars(frame: TrainingFrame, bar_ns: int, settings: SignificanceSettings) -> int:
    """Return the length of the blocks in bars: of labels, of what the labels' own dependence asks for, and the least.

    Twice the horizon at least, so that most of a block's labels stay among their own. Raises ConfigError for a frame
    of fewer than eight blocks.
    """
    if not len(frame):
        raise ConfigError("a frame without rows cannot be cut into blocks", hint="Collect the search window's bars")
    panel = _panel(frame, bar_ns)
    means = np.array([row[np.isfinite(row)].mean() for row in panel if np.isfinite(row).any()])
    horizon = -(-frame.horizon_ns // bar_ns)
    optimal = optimal_block_length(means).circular if len(means) else 1.0
    block = max(settings.min_block_bars, 2 * horizon, int(np.ceil(optimal)))
    if len(panel) < _FEWEST_BLOCKS * block:
        message = f"{len(panel)} bars are fewer than {_FEWEST_BLOCKS} blocks of {block}"
        raise ConfigError(message, hint="Give the search window more weeks: nobody could tell skill from luck on this")
    return block


def permuted_labels(frame: TrainingFrame, bar_ns: int, block: int, seed: int, number: int) -> TrainingFrame:
    """Return the frame with the labels of permutation `number`: blocks of bars in another order, for all symbols alike.

    Blocks are cut from a random bar on, around the end of the calendar. What a row gets where its new moment has no
    label is NaN; label spans stay those of the rows, so that the same rows are purged.
    """
    panel = _panel(frame, bar_ns)
    slots = (frame.features.ts - frame.features.ts.min()) // bar_ns
    moved = panel[_block_permutation(len(panel), block, seed, number)]
    return replace(frame, label=moved[slots, frame.features.symbol])


@dataclass(frozen=True, eq=False)
class _Task:
    """One permutation, for a worker."""

    frame: TrainingFrame
    folds: tuple[Fold, ...]
    fit: Fit
    bar_ns: int
    block: int
    seed: int
    number: int


def _permuted_rank_ic(task: _Task) -> float:
    permuted = permuted_labels(task.frame, task.bar_ns, task.block, task.seed, task.number)
    folds = [_trainable_part(permuted, fold) for fold in task.folds]
    return score_out_of_fold(permuted, folds, task.fit).mean_rank_ic


def _trainable_part(frame: TrainingFrame, fold: Fold) -> Fold:
    """Return the fold without the rows whose permuted label is missing."""
    kept = frame.is_trainable
    return replace(fold, train=fold.train[kept[fold.train]], test=fold.test[kept[fold.test]])


def _panel(frame: TrainingFrame, bar_ns: int) -> Floats:
    """Return labels by calendar slot and symbol, shape (T, N), NaN where there is none or a row is unusable."""
    slots = (frame.features.ts - frame.features.ts.min()) // bar_ns
    panel = np.full((int(slots.max()) + 1, len(frame.features.symbols)), np.nan)
    panel[slots, frame.features.symbol] = np.where(frame.is_trainable, frame.label, np.nan)
    return panel


def _block_permutation(length: int, block: int, seed: int, number: int) -> Integers:
    """Return which slot's labels each slot gets: the blocks of a calendar that begins at a random slot, reordered."""
    starts = np.arange(0, length, block)
    order = np.argsort(mix64(seed, number, np.arange(1, len(starts) + 1)), kind="stable")
    offset = int(mix64(seed, number, 0) % np.uint64(length))
    pieces = [np.arange(starts[place], min(starts[place] + block, length)) for place in order]
    return (np.concatenate(pieces) + offset) % length
