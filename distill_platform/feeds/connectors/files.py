"""Files: a user's own CSV, Feather or Parquet, of bars or of headlines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from distill_platform.feeds.arrow_values import listed, value_of
from distill_platform.feeds.bar_rows import NUMBERS, WrittenBars, read_bars
from distill_platform.feeds.connectors.connector import LocalFile, OpenSource, Wanted
from distill_platform.feeds.connectors.sheet import Sheet, read_sheet
from distill_platform.feeds.connectors.unreadable import unreadable
from distill_platform.feeds.feed import BarFiles, FilesFeed, HeadlineFiles
from distill_platform.feeds.moments import Moments, from_nanoseconds, nanoseconds, read_moments
from distill_platform.feeds.moments_arrow import arrow_moments
from distill_platform.feeds.numbers import Floats, read_number, read_numbers
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Origin, Rejected
from distill_platform.feeds.report_rows import Report, host, read_reports

_NOBODY = "-"
_MOST_TIMELESS = 1_000  # rows that may stand on every day because no row of their file says a time


@dataclass(frozen=True)
class Files(OpenSource):
    """Files of this disk, each read whole; `base` is where relative paths start."""

    feed: FilesFeed
    base: Path

    @property
    def replaces(self) -> bool:
        """Return true: the files say all that they ever said, and what was taken out of them was wrong."""
        return True

    def resources(self, day: date) -> tuple[Wanted, ...]:
        """Return the feed's files, whatever the day: one for each symbol, or the only one."""
        own = self.feed.bars.symbols if self.feed.bars is not None else {}
        if self.feed.is_one_file:
            symbol = next(iter(own)) if len(own) == 1 else _NOBODY
            return (self._file(symbol, self.feed.path),)
        return tuple(self._file(symbol, self.feed.path_of(name)) for symbol, name in sorted(own.items()))

    def _file(self, symbol: str, path: str) -> LocalFile:
        return LocalFile(self.feed.name, f"{symbol}/{path}", self.base / path)

    def read(self, body: bytes, origin: Origin) -> Parsed:
        """Return the rows of a file, of all its days.

        A row without a time that can be read counts for the day of the row before it, or else the next one that has
        a time. FeedGarbled for a file of which nothing can be read: also for more than 1,000 rows without any time,
        which would be rejected again on every day.
        """
        bars, headlines = self.feed.bars, self.feed.headlines
        if bars is not None:
            return self._bars(body, bars, origin)
        assert headlines is not None
        return self._headlines(body, headlines, origin)

    def _sheet(self, body: bytes, wanted: Sequence[str | None], origin: Origin) -> Sheet:
        names = [name for name in dict.fromkeys(wanted) if name is not None]
        return read_sheet(body, self.feed.ending, names, (self.feed.separator, self.feed.encoding), origin)

    def _moments(self, column: Sequence[Any] | pa.ChunkedArray) -> Moments:
        if isinstance(column, pa.ChunkedArray):
            return arrow_moments(column, self.feed.time)
        return read_moments(column, self.feed.time)

    def _bars(self, body: bytes, bars: BarFiles, origin: Origin) -> Parsed:
        names = bars.columns
        sheet = self._sheet(body, [names.time, *(getattr(names, number) for number in NUMBERS), names.symbol], origin)
        ends = self._moments(sheet.columns[names.time])
        if bars.stamp == "start":
            ends = ends.later(bars.length)
        symbols = _symbols(sheet, bars, origin)
        numbers = _numbers([sheet.columns[getattr(names, number)] for number in NUMBERS])
        written = WrittenBars(symbols, ends, numbers, sheet.place, sheet.row)
        parsed = read_bars(written, bars.length, origin).with_rejected(sheet.torn)
        return _placed(parsed, sheet, ends, timedelta(0), origin)

    def _headlines(self, body: bytes, headlines: HeadlineFiles, origin: Origin) -> Parsed:
        names = headlines.columns
        wanted = [names.time, names.title, names.url, names.outlet, names.tone, names.entities]
        sheet = self._sheet(body, wanted, origin)
        moments = self._moments(sheet.columns[names.time])
        cells = _Cells(sheet, headlines)
        reports = [cells.report(row, moments) for row in range(sheet.count) if row not in moments.refused]
        refused = [origin.refuse(why, sheet.place(row), sheet.row(row)) for row, why in sorted(moments.refused.items())]
        parsed = read_reports(reports, [*refused, *sheet.torn], self.feed.standing, origin)
        return _placed(parsed, sheet, moments, self.feed.delay, origin)


def _symbols(sheet: Sheet, bars: BarFiles, origin: Origin) -> list[str | None]:
    """Return our name of each row's symbol; None for those that the feed does not declare."""
    if bars.columns.symbol is None:
        symbol = origin.resource.partition("/")[0]
        return [symbol if symbol in bars.symbols else None] * sheet.count
    ours = {theirs: symbol for symbol, theirs in bars.symbols.items()}
    return [ours.get(str(name)) for name in listed(sheet.columns[bars.columns.symbol])]


def _numbers(columns: list[Sequence[Any] | pa.ChunkedArray]) -> Floats:
    return np.column_stack([_number_column(column) for column in columns])


def _number_column(column: Sequence[Any] | pa.ChunkedArray) -> Floats:
    if isinstance(column, pa.ChunkedArray) and pa.types.is_floating(column.type):
        found: Floats = column.cast(pa.float64()).to_numpy()
        return found
    return read_numbers([listed(column)])[:, 0]


@dataclass(frozen=True)
class _Cells:
    """The columns of a file of headlines as lists, those that are not there as None."""

    sheet: Sheet
    headlines: HeadlineFiles

    def report(self, row: int, moments: Moments) -> Report:
        names = self.headlines.columns
        url, entity = self._cell(names.url, row), self._cell(names.entities, row)
        return Report(
            place=self.sheet.place(row),
            row=self.sheet.row(row),
            outlet=self._cell(names.outlet, row) or self.headlines.outlet or host(url),
            kind=self.headlines.kind,
            published_at=from_nanoseconds(int(moments.stamps[row])),
            title=self._cell(names.title, row),
            url=url,
            tone=_tone(self._cell(names.tone, row)),
            entities=(entity,) if entity else (),
        )

    def _cell(self, name: str | None, row: int) -> str:
        value = None if name is None else value_of(self.sheet.columns[name][row])
        return "" if value is None else str(value)


def _tone(text: str) -> float | None:
    tone = read_number(text)
    return None if math.isnan(tone) or abs(tone) > 1.0 else tone


def _placed(parsed: Parsed, sheet: Sheet, moments: Moments, later: timedelta, origin: Origin) -> Parsed:
    """Return the rows with those rejected ones that say no time put beside their neighbours."""
    if all(row.at is not None for row in parsed.rejected):
        return parsed
    lines = {_number(sheet.place(row)): row for row in range(sheet.count) if row not in moments.refused}
    order = np.array(sorted(lines), np.int64)
    if not len(order):
        _refuse_timeless(parsed, origin)
        return parsed
    at = moments.stamps[[lines[line] for line in order.tolist()]] + nanoseconds(from_nanoseconds(0) + later)
    return replace(parsed, rejected=tuple(_beside(row, order, at) for row in parsed.rejected))


def _refuse_timeless(parsed: Parsed, origin: Origin) -> None:
    if len(parsed.rejected) > _MOST_TIMELESS:
        first = parsed.rejected[0]
        what = f"none of its {len(parsed.rejected):,} rows has a time, like {first.place}: {first.detail}"
        raise unreadable(origin, what, "Declare `time.format` and `time.zone`")


def _beside(row: Rejected, order: Any, at: Any) -> Rejected:
    if row.at is not None:
        return row
    neighbour = max(int(np.searchsorted(order, _number(row.place))) - 1, 0)
    return replace(row, at=from_nanoseconds(int(at[neighbour])))


def _number(place: str) -> int:
    return int(place.rpartition(" ")[2])
