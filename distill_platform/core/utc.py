"""Time, UTC only: strict readings of time stamps and days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class ZonelessTimestamp(ValueError):
    """A time stamp without a zone: nobody can say which moment it means."""


def parse_utc(text: str) -> datetime:
    """Return the moment an ISO 8601 time stamp with a zone means, in UTC.

    Raises ZonelessTimestamp without a zone and ValueError for anything else that is not one moment after 1970.
    """
    moment = datetime.fromisoformat(text)
    if "\0" in text:  # which fromisoformat takes for the end of the text
        raise ValueError(f"time stamp {text[:40]!r} holds a zero byte")
    if moment.tzinfo is None:
        raise ZonelessTimestamp(f"time stamp {text[:40]!r} has no zone")
    return _in_range(moment)


def from_epoch(seconds: float) -> datetime:
    """Return the moment `seconds` after 1970-01-01T00:00:00Z; ValueError before it or beyond year 9999."""
    try:
        return _in_range(EARLIEST + timedelta(seconds=seconds))
    except OverflowError:
        raise ValueError(f"epoch {seconds!r} is out of range") from None


def _in_range(moment: datetime) -> datetime:
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("time stamp is out of range") from None
    if moment < EARLIEST:
        raise ValueError(f"time stamp {moment.isoformat()} lies before 1970")
    return moment


def iso(moment: datetime) -> str:
    """Return a UTC moment as ISO 8601 with `Z`, microseconds only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_day(text: str) -> date:
    """Return the day of `YYYY-MM-DD`; ValueError for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ValueError(f"{text[:40]!r} is not a day like 2026-04-20")
    return day


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield every day from `first` to `last`, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
