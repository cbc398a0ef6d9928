"""FRED: observations of economic series as JSON, each with the vintage in which it had that value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from distill_platform.core import canon
from distill_platform.core.errors import CanonError, ConfigError
from distill_platform.core.utc import EARLIEST, parse_day
from distill_platform.feeds.connectors.connector import OpenSource, Wanted
from distill_platform.feeds.connectors.unreadable import unreadable
from distill_platform.feeds.feed import FredFeed
from distill_platform.feeds.http.resource import Resource
from distill_platform.feeds.moments import LATEST
from distill_platform.feeds.numbers import read_number
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Origin, Reason, Rejected, RowRefused
from distill_platform.feeds.report_rows import Report, read_reports

_ST_LOUIS = "America/Chicago"
_OUTLET = "fred.stlouisfed.org"
_MOST_ROWS = 100_000
_DAY = timedelta(days=1)
_SECRET = re.compile(r"[A-Za-z0-9]{8,128}")


@dataclass(frozen=True)
class Fred(OpenSource):
    """Observations, each known from the midnight (St. Louis) that ends the day of its vintage, and not before.

    Asking for the vintages of two days gives the values of both; those of the later day are the new and the revised
    ones. The others were known before, and are rows of an earlier day.
    """

    feed: FredFeed
    environment: Mapping[str, str]

    def resources(self, day: date) -> tuple[Wanted, ...]:
        """Return one resource for each series and vintage that becomes known on the day."""
        vintages = [vintage for vintage in self._candidates(day) if self._known(vintage).date() == day]
        return tuple(self._resource(series, vintage) for series in self.feed.series for vintage in vintages)

    def _candidates(self, day: date) -> list[date]:
        earliest = day - self.feed.delay - 2 * _DAY
        return [earliest + offset * _DAY for offset in range((day - earliest).days + 1)]

    def _known(self, vintage: date) -> datetime:
        return _published(vintage) + self.feed.delay

    def _resource(self, series: str, vintage: date) -> Resource:
        asked = {
            "series_id": series,
            "file_type": "json",
            "realtime_start": vintage - _DAY,
            "realtime_end": vintage,
            "observation_start": vintage - self.feed.lookback_days * _DAY,
            "observation_end": vintage,
            "limit": _MOST_ROWS,
        }
        url = f"{self.feed.base_url}/series/observations?{urlencode(asked)}"
        return Resource(self.feed.name, f"{series}/{vintage}", url)

    def signed(self, wanted: Wanted) -> Wanted:
        """Return the resource with the API key, which is in no file and no log; ConfigError where it is not set."""
        key, variable = self.environment.get(self.feed.api_key_env, ""), self.feed.api_key_env
        if not _SECRET.fullmatch(key):
            hint = f"Set {variable} to the key that fred.stlouisfed.org gives for free"
            raise ConfigError(f"{self.feed.name}: the variable {variable} does not hold an API key", hint=hint)
        return replace(wanted, url=f"{wanted.url}&api_key={key}") if isinstance(wanted, Resource) else wanted

    def read(self, body: bytes, origin: Origin) -> Parsed:
        """Return the observations of one series; FeedGarbled unless it is the whole JSON answer."""
        series = origin.resource.partition("/")[0]
        reports: list[Report] = []
        rejected: list[Rejected] = []
        for number, row in enumerate(_observations(body, origin), start=1):
            place, text = f"observation {number}", canon.dumps(row).decode()
            try:
                reports.append(self._report(series, row, place, text))
            except RowRefused as refused:
                rejected.append(replace(origin.refuse(refused, place, text), at=self._at(row)))
        return read_reports(reports, rejected, self.feed.standing, origin)

    def _report(self, series: str, row: Any, place: str, text: str) -> Report:
        observation = _Observation.of(row)
        return Report(
            place=place,
            row=text,
            outlet=_OUTLET,
            kind=self.feed.kind,
            published_at=_published(observation.vintage),
            title=f"{series} {observation.day}: {observation.text}",
            url=f"https://{_OUTLET}/series/{series}",
            value=observation.value,
            entities=(series,),
        )

    def _at(self, row: Any) -> datetime | None:
        """Return when a rejected observation would have been known, so far as its vintage can be read."""
        try:
            known = self._known(parse_day(row["realtime_start"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        return known if EARLIEST <= known < LATEST else None


@dataclass(frozen=True)
class _Observation:
    day: date
    vintage: date
    text: str
    value: float

    @staticmethod
    def of(row: Any) -> _Observation:
        names = ("date", "realtime_start", "value")
        if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in names):
            raise RowRefused(Reason.MALFORMED_ROW, f"an observation has {', '.join(names)}, all of them text")
        try:
            day, vintage = parse_day(row["date"]), parse_day(row["realtime_start"])
        except ValueError as error:
            raise RowRefused(Reason.MALFORMED_TIME, str(error)) from None
        if not EARLIEST.date() <= vintage < LATEST.date():
            raise RowRefused(Reason.MALFORMED_TIME, f"the vintage {vintage} is not between 1970 and 2262")
        if row["value"].strip() in (".", ""):
            raise RowRefused(Reason.MISSING_VALUE, f"FRED has no value for {day}")
        value = read_number(row["value"])
        if value != value:
            raise RowRefused(Reason.NOT_A_NUMBER, f"{row['value'][:40]!r} is not a finite number")
        return _Observation(day, vintage, row["value"].strip(), value)


def _published(vintage: date) -> datetime:
    """Return the midnight in St. Louis that ends the day of a vintage: the day is all that FRED says."""
    return datetime.combine(vintage + _DAY, time(), ZoneInfo(_ST_LOUIS)).astimezone(UTC)


def _observations(body: bytes, origin: Origin) -> list[Any]:
    try:
        answer = canon.parse(body)
    except CanonError as error:
        raise unreadable(origin, f"it is not JSON: {error}") from None
    rows = answer.get("observations") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise unreadable(origin, f"it holds no observations: {body[:200]!r}")
    if answer.get("count", len(rows)) != len(rows):
        raise unreadable(origin, f"it holds {len(rows)} observations of {answer['count']}", "Shorten lookback_days")
    return rows
