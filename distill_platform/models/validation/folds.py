"""Folds: contiguous stretches of time to test on, each with the rows that know nothing of what it is judged by.

Rows are told apart by the time of their labels, never by their position: all symbols of a moment are in one fold, and
a training row whose label shares a moment with a test label is purged, whatever its symbol. Whether that worked is
counted again by other code, row by row (`overlapping_rows`): a fold that leaks is an error, not a number in a report.
Source: Lopez de Prado (2018), "Advances in Financial Machine Learning", section 7.4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from distill_platform.core.errors import ConfigError, LeakError
from distill_platform.models.frames import Integers, TrainingFrame
from distill_platform.models.validation.settings import FoldScheme, ValidationSettings
from distill_platform.stats import purged_split_times
from distill_platform.stats.purging import Times, time_segments


@dataclass(frozen=True, slots=True)
class FoldProof:
    """What was left out of a fold's training rows, and that it was enough.

    `purged_rows` have a label that touches a test label, `embargoed_rows` begin too soon after one, `later_rows` come
    after the test of a walk-forward. `overlaps` is the number of training rows whose label still shares a moment with a
    test label: always 0. `train_sha256` and `test_sha256` are hashes of the rows' keys and label spans.
    """

    fold: int
    train_rows: int
    test_rows: int
    purged_rows: int
    embargoed_rows: int
    later_rows: int
    overlaps: int
    train_sha256: str
    test_sha256: str


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows of a frame to train on and to test on, by position, ascending; all of them trainable.

    The test rows begin at the moments from `start_ns` to `end_ns`, both included.
    """

    number: int
    start_ns: int
    end_ns: int
    train: Integers = field(repr=False)
    test: Integers = field(repr=False)
    proof: FoldProof


def make_folds(frame: TrainingFrame, settings: ValidationSettings, bar_ns: int) -> tuple[Fold, ...]:
    """Return the folds of a frame, oldest first; only trainable rows are in any of them.

    Purged K-fold tests every moment once and trains on all rows that its test leaves clean. Walk-forward cuts off one
    stretch more, which is only trained on, and each fold trains on the rows before its test whose labels were known
    when it began. O(K n log n).

    Raises ConfigError for an embargo shorter than the horizon and for fewer moments than folds, and LeakError if a
    training label still touches a test label, or label spans are not what the frame says of them.
    """
    _refuse_false_spans(frame)
    embargo = settings.embargo_bars * bar_ns
    if embargo < frame.horizon_ns:
        message = f"the embargo of {settings.embargo_bars} bars is shorter than the label's horizon"
        hint = f"Set validation.embargo_bars to {-(-frame.horizon_ns // bar_ns)} or more"
        raise ConfigError(message, hint=hint)
    kept = np.flatnonzero(frame.is_trainable)
    segments = _segments(frame, kept, settings)
    is_forward = settings.scheme is FoldScheme.WALK_FORWARD
    tests = segments[1:] if is_forward else segments
    return tuple(_fold(frame, kept, number, test, embargo, is_forward) for number, test in enumerate(tests))


def overlapping_rows(frame: TrainingFrame, train: Integers, test: Integers) -> int:
    """Return how many training rows have a label span that shares a moment with that of any test row.

    Counted for each row from the sorted starts and ends of the test labels: those that began by the row's end, less
    those that were over before its start, share a moment with it. O((n + m) log m).
    """
    begun = np.searchsorted(np.sort(frame.features.ts[test]), frame.label_end[train], side="right")
    over = np.searchsorted(np.sort(frame.label_end[test]), frame.features.ts[train], side="left")
    return int(np.count_nonzero(begun > over))


def refuse_leaks(frame: TrainingFrame, train: Integers, test: Integers, fold: int) -> int:
    """Return the number of overlaps, which is 0; LeakError for any, and for rows that are trained and tested on."""
    if len(both := np.intersect1d(train, test)):
        raise LeakError(f"fold {fold} trains on {len(both):,} of its own test rows")
    overlaps = overlapping_rows(frame, train, test)
    if overlaps:
        message = f"fold {fold}: the labels of {overlaps:,} training rows share a moment with those it is tested on"
        raise LeakError(message, hint="Purge by the time of the labels, at least as long as their horizon")
    return overlaps


def rows_sha256(frame: TrainingFrame, rows: Integers) -> str:
    """Return the hash of the keys and label spans of some rows, in order: which rows they are, not what is in them."""
    spans = np.stack([frame.features.ts[rows], frame.features.symbol[rows], frame.label_end[rows]], axis=1)
    digest = hashlib.sha256("\n".join(frame.features.symbols).encode())
    digest.update(spans.astype("<i8").tobytes())
    return digest.hexdigest()


def fold_numbers(frame: TrainingFrame, folds: Sequence[Fold]) -> Integers:
    """Return the fold that tests each row, shape (N,), -1 where none does."""
    numbers = np.full(len(frame), -1, dtype=np.int64)
    for fold in folds:
        numbers[fold.test] = fold.number
    return numbers


def _refuse_false_spans(frame: TrainingFrame) -> None:
    """Refuse label spans that nothing can be purged by: those of no time, and those not as long as the horizon."""
    spans = frame.label_end - frame.features.ts
    if len(spans) and not (spans.min() >= 0 and 0 < spans.max() == frame.horizon_ns):
        found = f"{spans.min()} to {spans.max()} ns"
        message = f"labels reach {found} ahead, the horizon is {frame.horizon_ns} ns"
        raise LeakError(message, hint="A label is known when the bar at its horizon has ended, and no earlier")


def _segments(frame: TrainingFrame, kept: Integers, settings: ValidationSettings) -> Times:
    wanted = settings.folds + (settings.scheme is FoldScheme.WALK_FORWARD)
    moments = len(np.unique(frame.features.ts[kept]))
    if moments < wanted:
        message = f"{moments} moments with a label cannot be cut into {wanted} stretches"
        raise ConfigError(message, hint="Give the search window more weeks, or fewer folds")
    return time_segments(frame.features.ts[kept], wanted)


def _fold(frame: TrainingFrame, kept: Integers, number: int, segment: Integers, embargo: int, is_forward: bool) -> Fold:
    starts, ends = frame.features.ts[kept], frame.label_end[kept]
    unwaiting = purged_split_times(starts, ends, segment[None, :])
    split = purged_split_times(starts, ends, segment[None, :], embargo)
    is_later = starts[split.train] > segment[1] if is_forward else np.zeros(len(split.train), dtype=bool)
    train, test = kept[split.train[~is_later]], kept[split.test]
    proof = FoldProof(
        fold=number,
        train_rows=len(train),
        test_rows=len(test),
        purged_rows=len(kept) - len(unwaiting.train) - len(test),
        embargoed_rows=len(unwaiting.train) - len(split.train),
        later_rows=int(is_later.sum()),
        overlaps=refuse_leaks(frame, train, test, number),
        train_sha256=rows_sha256(frame, train),
        test_sha256=rows_sha256(frame, test),
    )
    return Fold(number, int(segment[0]), int(segment[1]), train, test, proof)
