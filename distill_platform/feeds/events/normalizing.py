"""Normalizing: reports with clean times, kinds, outlets and titles; what cannot be cleaned is kept with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa

from distill_platform.feeds.events.event import RAW_EVENTS
from distill_platform.feeds.events.settings import EventSettings
from distill_platform.feeds.events.titles import clean_outlet, clean_title, comparable_title, headline_of
from distill_platform.feeds.events.words import split_words

HOUR_US = 3_600_000_000
_MOST_ESCAPED = 8  # characters that one may be written with, as in `&#8217;`
_EARLIEST_US = 631_152_000_000_000  # 1990: before it there was no feed, but many a stamp that was never set


class EventKind(StrEnum):
    """What sort of news it is: as the feed declares, or finer where a text model has read the title."""

    HEADLINE = "headline"
    MACRO = "macro"
    MARKET_MOVE = "market_move"
    REGULATION = "regulation"
    SECURITY = "security"
    LISTING = "listing"
    ADOPTION = "adoption"
    TECHNOLOGY = "technology"
    FINANCING = "financing"


_SPELLINGS = {"news": EventKind.HEADLINE, "article": EventKind.HEADLINE, "observation": EventKind.MACRO}


class Rejection(StrEnum):
    """Why a report is not an event."""

    EMPTY_TITLE = "empty_title"
    TITLE_TOO_LONG = "title_too_long"
    IMPLAUSIBLE_TIME = "implausible_time"
    PUBLISHED_AFTER_AVAILABLE = "published_after_available"
    UNKNOWN_KIND = "unknown_kind"
    INVALID_NUMBER = "invalid_number"


@dataclass(frozen=True, slots=True)
class Report:
    """One report as it was understood; times in microseconds since 1970 UTC."""

    raw_id: str
    source: str
    outlet: str
    kind: EventKind
    published_us: int
    available_us: int
    title: str  # as it is shown
    headline: str  # without the outlet's signature
    comparable: str  # the headline's words in lower case
    tone: float | None
    entities: tuple[str, ...]
    tier: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Rejected:
    """A raw row that is not an event."""

    row: int  # in the raw table
    available_us: int
    reason: Rejection
    detail: str


@dataclass(frozen=True)
class Normalized:
    """Reports in order of (available, published, raw_id), what was rejected, and rows that were there already."""

    reports: tuple[Report, ...]
    rejected: tuple[Rejected, ...]
    repeated: tuple[int, ...]  # when each became available, microseconds


def normalize(raw: pa.Table, settings: EventSettings) -> Normalized:
    """Return what rows of RAW_EVENTS mean, in whatever order they come.

    A row whose `raw_id` became available within the window before it as well is there already. Errors: as
    `refuse_other_tables`.
    """
    reports: list[Report] = []
    rejected: list[Rejected] = []
    for place, row in enumerate(_rows(raw)):
        try:
            reports.append(_understood(row, settings))
        except _Unusable as fault:
            rejected.append(Rejected(place, row["available_at"], fault.reason, fault.detail))
    reports.sort(key=_order)
    kept, repeated = _without_repeated(reports, settings.clustering.window_h * HOUR_US)
    return Normalized(tuple(kept), tuple(rejected), tuple(repeated))


class _Unusable(Exception):
    def __init__(self, reason: Rejection, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def refuse_other_tables(raw: pa.Table) -> None:
    """Raise ValueError for a table that is not one of RAW_EVENTS, or has no value where there must be one."""
    if not raw.schema.equals(RAW_EVENTS):
        raise ValueError(f"reports have columns {raw.schema.names}, not those of RAW_EVENTS and their types")
    for required in RAW_EVENTS:
        if not required.nullable and raw[required.name].null_count:
            raise ValueError(f"{raw[required.name].null_count} reports have no {required.name}")


def _rows(raw: pa.Table) -> Iterator[dict[str, Any]]:
    refuse_other_tables(raw)
    names = [name for name in raw.column_names if name not in ("raw_sha256", "place", "url", "value")]
    columns = [_values(raw[name]) for name in names]
    return (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))


def _values(column: pa.ChunkedArray) -> list[Any]:
    values: list[Any] = (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
    return values


def _understood(row: dict[str, Any], settings: EventSettings) -> Report:
    _refuse_times(row["published_at"], row["available_at"])
    _refuse_numbers(row["tier"], row["confidence"], row["tone"])
    outlet = clean_outlet(row["outlet"])
    title = _title(row["title"], settings.longest_title)
    headline = headline_of(title, outlet)
    return Report(
        raw_id=row["raw_id"],
        source=row["source"],
        outlet=outlet,
        kind=_kind(row["kind"]),
        published_us=row["published_at"],
        available_us=row["available_at"],
        title=title,
        headline=headline,
        comparable=comparable_title(headline),
        tone=row["tone"],
        entities=tuple(row["entities"]),
        tier=row["tier"],
        confidence=row["confidence"],
    )


def _refuse_times(published: int, available: int) -> None:
    if published > available:
        ahead = (published - available) / 1_000_000
        raise _Unusable(Rejection.PUBLISHED_AFTER_AVAILABLE, f"published {ahead:g} s after it was available")
    if published < _EARLIEST_US:
        raise _Unusable(Rejection.IMPLAUSIBLE_TIME, "published before 1990")


def _refuse_numbers(tier: int, confidence: float, tone: float | None) -> None:
    if tier not in (1, 2, 3):
        raise _Unusable(Rejection.INVALID_NUMBER, f"tier is {tier}, not 1, 2 or 3")
    if not 0.0 <= confidence <= 1.0:  # NaN neither
        raise _Unusable(Rejection.INVALID_NUMBER, f"confidence is {confidence}, not in [0, 1]")
    if tone is not None and not -1.0 <= tone <= 1.0:
        raise _Unusable(Rejection.INVALID_NUMBER, f"tone is {tone}, not in [-1, 1]")


def _title(text: str, longest: int) -> str:
    if len(text) > _MOST_ESCAPED * longest:
        raise _Unusable(Rejection.TITLE_TOO_LONG, f"{len(text)} characters, at most {longest} are read")
    title = clean_title(text)
    if len(title) > longest:
        raise _Unusable(Rejection.TITLE_TOO_LONG, f"{len(title)} characters, at most {longest} are read")
    if not split_words(title):
        raise _Unusable(Rejection.EMPTY_TITLE, "there is no word in the title")
    return title


def _kind(text: str) -> EventKind:
    word = "_".join(text.casefold().replace("-", " ").replace("_", " ").split())
    try:
        return _SPELLINGS.get(word) or EventKind(word)
    except ValueError:
        raise _Unusable(Rejection.UNKNOWN_KIND, f"{text[:40]!r} is not one of {', '.join(EventKind)}") from None


def _order(report: Report) -> tuple[Any, ...]:
    """Return what reports are ordered by: what says the same in another place of the table is the same."""
    content = (report.tier, -report.confidence, str(report.tone), report.kind, report.entities, report.title)
    return report.available_us, report.published_us, report.raw_id, *content


def _without_repeated(reports: list[Report], window_us: int) -> tuple[list[Report], list[int]]:
    """Return reports whose id did not come in the window before, and when the others became available."""
    latest: dict[str, int] = {}
    kept: list[Report] = []
    repeated: list[int] = []
    for report in reports:
        before = latest.get(report.raw_id)
        latest[report.raw_id] = report.available_us
        if before is not None and report.available_us - before <= window_us:
            repeated.append(report.available_us)
        else:
            kept.append(report)
    return kept, repeated
