"""An exchange's public candles: lists of values in JSON, asked for page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from distill_platform.core import canon
from distill_platform.core.errors import CanonError
from distill_platform.feeds.bar_rows import WrittenBars, read_bars
from distill_platform.feeds.connectors.connector import OpenSource, Wanted
from distill_platform.feeds.connectors.unreadable import unreadable
from distill_platform.feeds.feed import CandlesFeed
from distill_platform.feeds.http.resource import Resource
from distill_platform.feeds.moments import TimeSettings, nanoseconds, read_moments
from distill_platform.feeds.numbers import read_numbers
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Origin, Reason, Rejected

_MILLISECONDS = TimeSettings(format="epoch_ms")


@dataclass(frozen=True)
class Candles(OpenSource):
    """Bars of an exchange; a candle that was not over when it was fetched is never a bar."""

    feed: CandlesFeed

    def resources(self, day: date) -> tuple[Wanted, ...]:
        """Return the pages of each symbol's bars that end in (00:00, 24:00] of the day, at most `limit` bars each."""
        return tuple(
            self._page(symbol, start, number)
            for symbol in sorted(self.feed.symbols)
            for number, start in enumerate(self._starts(day))
        )

    def _starts(self, day: date) -> Iterator[datetime]:
        start = datetime.combine(day, time(), UTC)
        page, end = self.feed.length * self.feed.limit, start + timedelta(days=1)
        while start < end:
            yield start
            start += page

    def _page(self, symbol: str, start: datetime, number: int) -> Resource:
        midnight = datetime.combine(start.date() + timedelta(days=1), time(), UTC)
        end = min(start + self.feed.length * self.feed.limit, midnight)
        asked = {
            "symbol": self.feed.symbols[symbol],
            "interval": self.feed.interval,
            "startTime": _milliseconds(start),
            "endTime": _milliseconds(end) - 1,
            "limit": self.feed.limit,
        }
        key = f"{symbol}/{self.feed.interval}/{start.date()}/{number}"
        return Resource(self.feed.name, key, f"{self.feed.base_url}{self.feed.path}?{urlencode(asked)}")

    def read(self, body: bytes, origin: Origin) -> Parsed:
        """Return the bars of one page; FeedGarbled unless it is a JSON list."""
        symbol, candles = origin.resource.partition("/")[0], _candles(body, origin)
        whole, torn = self._apart(candles, origin)
        columns = [[candles[row][position] for row in whole] for position in self.feed.fields.positions]
        written = WrittenBars(
            symbols=[symbol if symbol in self.feed.symbols else None] * len(whole),
            ends=read_moments(columns[0], _MILLISECONDS).later(self.feed.length),
            numbers=read_numbers(columns[1:]),
            place=lambda row: f"candle {whole[row] + 1}",
            row=lambda row: canon.dumps(candles[whole[row]]).decode(),
        )
        return read_bars(written, self.feed.length, origin).with_rejected(torn)

    def _apart(self, candles: list[Any], origin: Origin) -> tuple[list[int], list[Rejected]]:
        """Return which candles hold all the values, and the rejections of the others."""
        needed = max(self.feed.fields.positions) + 1
        whole = [row for row, candle in enumerate(candles) if isinstance(candle, list) and len(candle) >= needed]
        torn = [
            origin.reject(
                Reason.MALFORMED_ROW,
                f"a candle is a list of at least {needed} values",
                f"candle {row + 1}",
                canon.dumps(candles[row]).decode(),
            )
            for row in sorted(set(range(len(candles))).difference(whole))
        ]
        return whole, torn


def _candles(body: bytes, origin: Origin) -> list[Any]:
    try:
        found = canon.parse(body)
    except CanonError as error:
        raise unreadable(origin, f"it is not JSON: {error}") from None
    if not isinstance(found, list):
        raise unreadable(origin, f"it is no list of candles but {body[:200]!r}")
    return found


def _milliseconds(moment: datetime) -> int:
    return nanoseconds(moment) // 1_000_000
