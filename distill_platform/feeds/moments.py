"""Moments: what a source's time stamps mean, in UTC; a stamp that could mean two moments is an error, never a guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from distill_platform.core.config import StrictModel
from distill_platform.core.utc import EARLIEST, ZonelessTimestamp, parse_utc
from distill_platform.feeds.rejected import Reason, RowRefused

LATEST = datetime(2262, 1, 1, tzinfo=UTC)  # what nanoseconds since 1970 can count

_EPOCHS = {"epoch_s": 1, "epoch_ms": 10**3, "epoch_us": 10**6, "epoch_ns": 10**9}
_DIGITS = re.compile(r"\d{1,20}", re.ASCII)
_LONGEST = 100  # characters of a time stamp
_MICROSECOND = timedelta(microseconds=1)
_RFC_822 = re.compile(
    r"(?:(?P<weekday>[A-Za-z]{3}),\s*)?\d{1,2}\s+[A-Za-z]{3}\s+\d{4}\s+\d{1,2}:\d\d(?::\d\d)?\s+(?P<zone>\S+)(?:\s+\(.*\))?",
    re.ASCII,
)
_ZONE = re.compile(r"[+-]\d\d[0-5]\d|[A-Za-z]+", re.ASCII)
_DIRECTIVE = re.compile(r"%(.)", re.DOTALL)
_VAGUE = frozenset("Zxc")  # a zone's name stands for several; the others mean what this machine's language says
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Stamps = npt.NDArray[np.int64]


class TimeSettings(StrictModel):
    """How a source writes time: a `strptime` format, or `epoch_s`, `_ms`, `_us`, `_ns`; without one, ISO 8601.

    `zone` is where its clocks hang, for stamps that do not say it themselves. A stamp that neither it nor the
    declaration gives a zone is ambiguous.
    """

    format: str | None = None
    zone: str | None = None

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if self.zone is not None:
            _zone(self.zone)
        if self.format is None:
            return self
        names = set(_DIRECTIVE.findall(self.format)) - {"%"}
        if self.format in _EPOCHS or "z" in names:
            if self.zone is not None:
                raise ValueError(f"format {self.format!r} says the zone itself; leave out `zone`")
        elif not names or names & _VAGUE or ("I" in names and "p" not in names):
            like = "'%d-%m-%Y %H:%M' or '%d-%m-%Y %I:%M %p'"
            raise ValueError(f"{self.format!r} is neither like {like} nor one of {', '.join(_EPOCHS)}")
        elif self.zone is None:
            raise ValueError(f"format {self.format!r} says no zone; add `zone`, like UTC or Europe/London")
        return self


_ISO = TimeSettings()


@dataclass(frozen=True)
class Moments:
    """Moments in nanoseconds since 1970, UTC, shape (n,); `refused` says for which rows there is none, and why."""

    stamps: Stamps
    refused: dict[int, RowRefused]

    def later(self, length: timedelta) -> Moments:
        """Return the moments `length` later: the ends of bars that were stamped with their starts."""
        return Moments(self.stamps + length // _MICROSECOND * 1000, self.refused)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"there is no time zone {name!r}; write it like UTC or America/New_York") from None


def nanoseconds(moment: datetime) -> int:
    """Return a moment as nanoseconds since 1970, UTC."""
    return (moment - EARLIEST) // _MICROSECOND * 1000


def from_nanoseconds(stamp: int) -> datetime:
    """Return the moment of nanoseconds since 1970, to the microsecond below."""
    return EARLIEST + timedelta(microseconds=int(stamp) // 1000)


def read_moment(text: str, time: TimeSettings) -> datetime:
    """Return the UTC moment that a source's time stamp means.

    Raises RowRefused: `missing_time` for none, `ambiguous_time` without a zone or where clocks were set back or
    forward over it, `malformed_time` for what is no time stamp of the declared kind.
    """
    text = text.strip()
    if not text:
        raise RowRefused(Reason.MISSING_TIME, "the row has no time")
    if len(text) > _LONGEST:
        raise _malformed(text)
    if time.format in _EPOCHS:
        return _epoch(text, _EPOCHS[time.format])
    if time.format is not None:
        return _in_range(_located(_strptime(text, time.format), time.zone, text), text)
    return _iso(text, time.zone)


def _epoch(text: str, per_second: int) -> datetime:
    if not _DIGITS.fullmatch(text):
        raise _malformed(text)
    try:
        return _in_range(EARLIEST + timedelta(microseconds=int(text) * 10**6 // per_second), text)
    except OverflowError:
        raise _malformed(text) from None


def _strptime(text: str, layout: str) -> datetime:
    try:
        return datetime.strptime(text, layout)  # noqa: DTZ007 - the zone is declared beside the format
    except ValueError:
        raise RowRefused(Reason.MALFORMED_TIME, f"{text[:40]!r} is not written like {layout!r}") from None


def _iso(text: str, zone: str | None) -> datetime:
    try:
        return _in_range(parse_utc(text), text)
    except ZonelessTimestamp:
        if zone is None:
            raise RowRefused(Reason.AMBIGUOUS_TIME, f"{text[:40]!r} has no zone, and none is declared") from None
        return _in_range(_located(datetime.fromisoformat(text), zone, text), text)
    except ValueError:
        raise _not_iso(text) from None


def _not_iso(text: str) -> RowRefused:
    """Return why a text is refused that is not ISO 8601: what starts with numbers is a date in some order."""
    if re.match(r"(\d{1,2}[-/. ]|\d{4}[/. ])\d{1,2}[-/. ]\d{1,4}", text, re.ASCII):
        detail = f"{text[:40]!r} is not ISO 8601: day and month cannot be told apart; declare `time.format`"
        return RowRefused(Reason.AMBIGUOUS_TIME, detail)
    return _malformed(text)


def _located(moment: datetime, zone: str | None, text: str) -> datetime:
    """Return a clock's reading as a moment; the hour that clocks repeat or leave out in autumn and spring is none."""
    if moment.tzinfo is not None or zone is None:
        return moment
    early, late = (moment.replace(tzinfo=_zone(zone), fold=fold) for fold in (0, 1))
    if early.utcoffset() != late.utcoffset():
        raise RowRefused(Reason.AMBIGUOUS_TIME, f"{text[:40]!r} is twice or never in {zone}: clocks were set there")
    return early


def _in_range(moment: datetime, text: str) -> datetime:
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise _malformed(text) from None
    if not EARLIEST <= moment < LATEST:
        raise RowRefused(Reason.MALFORMED_TIME, f"{text[:40]!r} is not between 1970 and 2262")
    return moment


def _malformed(text: str) -> RowRefused:
    return RowRefused(Reason.MALFORMED_TIME, f"{text[:40]!r} is no time stamp; declare how it is written as `time`")


def read_published(text: str) -> datetime:
    """Return the UTC moment of a web feed's date: RFC 822 or ISO 8601, with a zone.

    Raises RowRefused as `read_moment`; also `ambiguous_time` for a weekday that is not that day's, a zone nobody
    knows, and `-0000`, which says that the zone is unknown.
    """
    text = text.strip()
    shape = _RFC_822.fullmatch(text[:_LONGEST])
    if shape is None or len(text) > _LONGEST:
        return read_moment(text, _ISO)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise _malformed(text) from None
    if moment.tzinfo is None or not _ZONE.fullmatch(shape["zone"]):
        raise RowRefused(Reason.AMBIGUOUS_TIME, f"{text[:40]!r} has no zone that is known")
    weekday = shape["weekday"]
    if weekday and weekday.lower() != _WEEKDAYS[moment.weekday()]:
        raise RowRefused(Reason.AMBIGUOUS_TIME, f"{text[:40]!r} names a weekday that is not that day's")
    return _in_range(moment, text)


def read_moments(values: Sequence[Any], time: TimeSettings) -> Moments:
    """Return the moments of a column of texts or numbers; each different one is read once.

    Where one row can only be read with day and month exchanged, every row that can be read both ways is ambiguous:
    the file was not written in the order that was declared.
    """
    texts = ["" if value is None else str(value) for value in values]
    read = {text: _stamp(text, time) for text in dict.fromkeys(texts)}
    if _is_exchanged(read, time):
        read = {text: _unless_exchangeable(text, value, time) for text, value in read.items()}
    stamps, refused = np.zeros(len(values), np.int64), {}
    for row, text in enumerate(texts):
        value = read[text]
        if isinstance(value, RowRefused):
            refused[row] = value
        else:
            stamps[row] = value
    return Moments(stamps, refused)


def _stamp(text: str, time: TimeSettings) -> int | RowRefused:
    try:
        return nanoseconds(read_moment(text, time))
    except RowRefused as refused:
        return refused


def _exchanged(time: TimeSettings) -> TimeSettings | None:
    """Return the declaration with day and month exchanged; None where it names the month or does not have both."""
    if time.format is None or not ("%d" in time.format and "%m" in time.format):
        return None
    layout = time.format.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
    return TimeSettings(format=layout, zone=time.zone)


def _is_exchanged(read: dict[str, int | RowRefused], time: TimeSettings) -> bool:
    """Return whether some text cannot be read as declared, but can with day and month exchanged."""
    other = _exchanged(time)
    strange = [text for text, value in read.items() if _is_malformed(value)]
    return other is not None and any(isinstance(_stamp(text, other), int) for text in strange)


def _is_malformed(value: int | RowRefused) -> bool:
    return isinstance(value, RowRefused) and value.reason is Reason.MALFORMED_TIME


def _unless_exchangeable(text: str, value: int | RowRefused, time: TimeSettings) -> int | RowRefused:
    other = _exchanged(time)
    exchanged = value if other is None else _stamp(text, other)
    if isinstance(value, RowRefused) or isinstance(exchanged, RowRefused) or exchanged == value:
        return value
    detail = f"{text[:40]!r} may be day first or month first: other rows are not in the declared order {time.format!r}"
    return RowRefused(Reason.AMBIGUOUS_TIME, detail)
