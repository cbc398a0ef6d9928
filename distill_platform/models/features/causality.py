"""Causality: whether a frame says anything at one moment that could not be known then.

The guard runs in the product, on the very function that makes the frames, before anything drops a row. Four
experiments at each cut, a moment. Truncation: what comes after the cut is taken away, and all rows up to it must be
what they were, bit for bit, and as many. Garbage: what comes after is replaced by other bars, some missing and some
without volume, and by other events, among them repeats of those that were known. Outage: nothing comes after, for as
many moments. Gap: the same as truncation where bars at the cut are missing, which is when something filled in from
later shows. Every build is made without memory of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.feeds.market_bars import MOMENT
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.event_window import became_available_after, events_until
from distill_platform.models.features.memory import without_memory
from distill_platform.models.frames import FeatureFrame, Flags, Floats, Integers
from distill_platform.strategies.bars import FIELDS, Bars

Build = Callable[[BarGrid, pa.Table | None], FeatureFrame]
ROWS, USABLE = "<rows>", "<is_usable>"
"""What a leak names when not a feature but the choice of rows, or which of them are usable, knows the future."""

_DAY_NS = 86_400 * 10**9
_NS_PER_US = 1_000
_REPEATED = 256  # events that are reported again after a cut
_SHARE_MISSING = 0.25
_SHARE_STALE = 0.25


class Experiment(StrEnum):
    """How the future was changed."""

    TRUNCATION = "truncation"
    GARBAGE = "garbage"
    OUTAGE = "outage"
    GAP = "gap"


@dataclass(frozen=True)
class Leak:
    """A feature whose value at `ts` changed with what came after `cut`, which is not before `ts`."""

    feature: str
    ts: int
    cut: int
    experiment: Experiment


def check_causality(build: Build, grid: BarGrid, events: pa.Table | None, cuts: Iterable[int], seed: int) -> list[Leak]:
    """Return what leaks, one for each feature and experiment, at the first moment and cut that show it; empty if none.

    `cuts` are moments of the grid, its last excepted; `spread_cuts` chooses some. `build` is handed grids that end
    early, and events that were available by then. Costs up to five builds for each cut, so a part of the history that
    is a few times as long as the features look back will do. What knows the next bar only at some moments is found by
    a cut at one of them: cuts of `spread_cuts` stand at all hours of the day if there are as many.

    Raises ValueError for no cuts, and for one that is not a moment of the grid or leaves nothing after it: a check
    that cannot find anything is no check.
    """
    moments = _checked(grid, cuts)
    whole = _built(build, grid, events)
    found: dict[tuple[str, Experiment], Leak] = {}
    for cut in moments:
        for experiment, before, after in _experiments(build, whole, grid, events, cut, seed):
            for feature, ts in _differences(before, after, cut):
                found.setdefault((feature, experiment), Leak(feature, ts, cut, experiment))
    return list(found.values())


def spread_cuts(grid: BarGrid, count: int) -> tuple[int, ...]:
    """Return up to `count` cuts from the first moment to the last but one, and those before a gap in the bars ends.

    The first bars are among them: what is filled in where features do not look back far enough yet shows only there.
    They stand at as many different times of the day as there are, or as there are cuts.
    """
    spread = _at_all_hours(np.linspace(0, len(grid) - 2, count).astype(np.int64), len(grid) - 2, grid.interval_ns)
    ends = np.flatnonzero(grid.is_missing[:-1].any(axis=1) & ~grid.is_missing[1:].any(axis=1))
    chosen = ends[np.linspace(0, len(ends) - 1, min(count, len(ends))).astype(np.int64)]
    return tuple(grid.ts[np.union1d(spread, chosen)].tolist())


def _at_all_hours(rows: Integers, last: int, interval_ns: int) -> Integers:
    """Return the rows, each moved by less than a day, so that each has the next time of the day."""
    of_day = max(1, _DAY_NS // interval_ns)
    places = np.arange(len(rows))
    wanted = places % of_day if len(rows) >= of_day else places * of_day // len(rows)
    moved = rows + (wanted - rows) % of_day
    moved = np.where(moved > last, moved - of_day, moved)
    return np.where(moved < 0, rows, moved)


def _built(build: Build, grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
    return without_memory(build)(grid, events)


def _checked(grid: BarGrid, cuts: Iterable[int]) -> list[int]:
    moments = sorted(set(cuts))
    if not moments:
        raise ValueError("there is no cut to check causality at")
    for cut in moments:
        if cut not in grid.ts or cut >= grid.ts[-1]:
            raise ValueError(f"the cut {cut} is not a moment of the grid with another one after it")
    return moments


def _experiments(
    build: Build, whole: FeatureFrame, grid: BarGrid, events: pa.Table | None, cut: int, seed: int
) -> Iterator[tuple[Experiment, FeatureFrame, FeatureFrame]]:
    """Yield pairs of frames that must be equal up to the cut."""
    known = None if events is None else events_until(events, cut)
    yield Experiment.TRUNCATION, whole, _built(build, grid.until(cut), known)
    yield Experiment.GARBAGE, whole, _built(build, _changed_after(grid, cut, seed), _other_after(events, cut))
    yield Experiment.OUTAGE, whole, _built(build, _without_bars(grid, grid.ts > cut), known)
    gapped = _without_bars(grid, grid.ts == cut, every=2)
    yield Experiment.GAP, _built(build, gapped, events), _built(build, gapped.until(cut), known)


def _differences(before: FeatureFrame, after: FeatureFrame, cut: int) -> Iterator[tuple[str, int]]:
    """Yield what differs in the rows up to the cut, with the first moment at which it does."""
    left, right = before.rows(before.ts <= cut), after.rows(after.ts <= cut)
    keys = [np.stack([frame.ts, frame.symbol], axis=1) for frame in (left, right)]
    if left.names != right.names or keys[0].shape != keys[1].shape or (keys[0] != keys[1]).any():
        yield ROWS, _first_apart(left.ts, right.ts, cut)
        return
    if (usable := left.is_usable != right.is_usable).any():
        yield USABLE, int(left.ts[np.argmax(usable)])
    apart = _bits_differ(left.values, right.values)
    for place in np.flatnonzero(apart.any(axis=0)).tolist():
        yield left.names[place], int(left.ts[np.argmax(apart[:, place])])


def _first_apart(left: Integers, right: Integers, cut: int) -> int:
    """Return the first moment of which two frames have different rows; the cut where only their symbols differ."""
    moments = np.union1d(left, right)
    counts = [np.searchsorted(ts, moments, "right") - np.searchsorted(ts, moments) for ts in (left, right)]
    apart = np.flatnonzero(counts[0] != counts[1])
    return int(moments[apart[0]]) if len(apart) else cut


def _bits_differ(left: Floats, right: Floats) -> Flags:
    differ: Flags = left.view(np.uint64) != right.view(np.uint64)
    return differ & ~(np.isnan(left) & np.isnan(right))


def _other_after(events: pa.Table | None, cut: int) -> pa.Table | None:
    """Return the events with those that became available after the cut turned into their opposites.

    The latest that were known by then are reported once more, the next microsecond, under ids of their own.
    """
    if events is None:
        return None
    known = events_until(events, cut).sort_by("available_at")
    repeated = _opposite(known.slice(max(0, len(known) - _REPEATED)))
    ids = pc.binary_join_element_wise(repeated["event_id"], "again", "-")
    repeated = _with_column(_with_column(repeated, "event_id", ids), "available_at", _next_us(len(repeated), cut))
    later = events.filter(became_available_after(events, cut))
    return pa.concat_tables([events_until(events, cut), repeated, _opposite(later)])


def _opposite(events: pa.Table) -> pa.Table:
    return _with_column(events, "polarity", pc.negate(events["polarity"]))


def _with_column(events: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    place = events.schema.get_field_index(name)
    return events.set_column(place, events.schema.field(place), values)


def _next_us(count: int, cut: int) -> pa.Array:
    return pa.array(np.full(count, cut // _NS_PER_US + 1)).cast(MOMENT)


def _changed_after(grid: BarGrid, cut: int, seed: int) -> BarGrid:
    """Return the grid with other bars after the cut: a factor of its own for each, or no volume, or no bar at all."""
    first = int(np.searchsorted(grid.ts, cut, "right"))
    random = np.random.default_rng((seed, first))
    shape = (len(grid) - first, len(grid.symbols))
    factors = np.exp(random.normal(0.0, 0.5, shape))
    fate = random.random(shape)
    factors[fate < _SHARE_MISSING] = np.nan
    fields = {name: np.concatenate([grid.field(name)[:first], grid.field(name)[first:] * factors]) for name in FIELDS}
    fields["volume"][first:][fate > 1.0 - _SHARE_STALE] = 0.0
    fields["volume"][np.isnan(fields["close"])] = np.nan
    return BarGrid(Bars(grid.ts, grid.symbols, **fields), grid.interval_ns)


def _without_bars(grid: BarGrid, rows: Flags, every: int = 1) -> BarGrid:
    """Return the grid without the bars of some moments, of all symbols or of every other, which keeps the moment."""
    fields = {name: grid.field(name).copy() for name in FIELDS}
    for values in fields.values():
        values[rows, ::every] = np.nan
    return BarGrid(Bars(grid.ts, grid.symbols, **fields), grid.interval_ns)
