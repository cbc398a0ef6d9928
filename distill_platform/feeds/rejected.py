"""Rejected rows: what a source said that cannot be a bar or a report, with its reason, so that nothing vanishes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from distill_platform.core.errors import DistillError
from distill_platform.feeds.market_bars import MOMENT

_LONGEST_ROW = 2_000


class Reason(StrEnum):
    """Why a row of a source is neither a bar nor a report."""

    MALFORMED_ROW = "malformed_row"
    NON_UTF8 = "non_utf8"
    MISSING_TIME = "missing_time"
    MALFORMED_TIME = "malformed_time"
    AMBIGUOUS_TIME = "ambiguous_time"
    IN_THE_FUTURE = "in_the_future"
    UNFINISHED_BAR = "unfinished_bar"
    OFF_GRID = "off_grid"
    UNKNOWN_SYMBOL = "unknown_symbol"
    NOT_A_NUMBER = "not_a_number"
    PRICE_NOT_POSITIVE = "price_not_positive"
    PRICES_CROSSED = "prices_crossed"
    NEGATIVE_VOLUME = "negative_volume"
    CONFLICTING_BARS = "conflicting_bars"
    MISSING_VALUE = "missing_value"
    MISSING_TITLE = "missing_title"


class RowRefused(DistillError):
    """One row of a source cannot be used; the others can."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Rejected:
    """One row that was not taken: `place` is where it stands in the bytes of `raw_sha256`, `row` what it says.

    `at` is the moment that decides the row's day; None where the row does not say one that can be read.
    """

    reason: Reason
    detail: str
    resource: str
    raw_sha256: str
    place: str
    row: str
    at: datetime | None = None

    @property
    def order(self) -> tuple[str, str, int, str, str]:
        """Return what rows are sorted by: where they were read, as a reader would come upon them."""
        return self.resource, self.raw_sha256, len(self.place), self.place, self.reason


@dataclass(frozen=True)
class Origin:
    """Where rows were read: the feed, its resource, the bytes, and the moment after which these could know nothing."""

    source: str
    resource: str
    raw_sha256: str
    known_until: datetime

    def reject(self, reason: Reason, detail: str, place: str, row: str, at: datetime | None = None) -> Rejected:
        """Return the rejection of a row that was read here."""
        return Rejected(reason, detail, self.resource, self.raw_sha256, place, _excerpt(row), at)

    def refuse(self, refused: RowRefused, place: str, row: str) -> Rejected:
        """Return the rejection of a row for the reason that was raised while it was read."""
        return self.reject(refused.reason, refused.detail, place, row)


REJECTED = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("resource", pa.string(), nullable=False),
        pa.field("raw_sha256", pa.string(), nullable=False),
        pa.field("place", pa.string(), nullable=False),
        pa.field("row", pa.string(), nullable=False),
        pa.field("at", MOMENT),
    ]
)
"""Sorted by resource, bytes and place. The whole row stands at `place` in the stored bytes of `raw_sha256`."""


def rejected_table(source: str, rejected: Iterable[Rejected]) -> pa.Table:
    """Return rejected rows as a REJECTED table, in an order that does not depend on how they were read."""
    ordered = sorted(rejected, key=lambda row: row.order)
    rows = [{"source": source, **vars(row), "reason": str(row.reason)} for row in ordered]
    return pa.Table.from_pylist(rows, schema=REJECTED)


def _excerpt(text: str) -> str:
    """Return at most 2,000 characters of a row, with what UTF-8 cannot hold written out."""
    return text[:_LONGEST_ROW].encode("utf-8", "backslashreplace").decode("utf-8")
