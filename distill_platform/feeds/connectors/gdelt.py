"""GDELT: news of the world in one file for every 15 minutes; its search interface only for files that are missing."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from distill_platform.core import canon
from distill_platform.core.errors import CanonError
from distill_platform.feeds.connectors.archive import only_member
from distill_platform.feeds.connectors.connector import OpenSource, Wanted
from distill_platform.feeds.connectors.unreadable import unreadable
from distill_platform.feeds.feed import GdeltFeed
from distill_platform.feeds.http.resource import Resource
from distill_platform.feeds.moments import TimeSettings, read_moment
from distill_platform.feeds.numbers import read_number
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Origin, Reason, Rejected, RowRefused
from distill_platform.feeds.report_rows import LONGEST_TEXT, Report, host, read_reports

_QUARTER = timedelta(minutes=15)
_STAMP = "%Y%m%d%H%M%S"
_BULK, _SEARCH = "gkg", "doc"
_BATCH = TimeSettings(format=_STAMP, zone="UTC")
_SEEN = TimeSettings(format="%Y%m%dT%H%M%SZ", zone="UTC")
_COLUMNS = 27
_DATE, _OUTLET, _DOCUMENT, _PERSONS, _ORGANIZATIONS, _TONE, _EXTRAS = 1, 3, 4, 11, 13, 15, 26
_TITLE, _TITLE_END = "<PAGE_TITLE>", "</PAGE_TITLE>"
_MOST_ARTICLES = 250
_UNPACKED = 8  # times the packed bytes that a feed allows


@dataclass(frozen=True)
class _Read:
    """What one article said: a report, a rejected row, or neither, when it is about something else."""

    report: Report | None = None
    rejected: Rejected | None = None


@dataclass(frozen=True)
class Gdelt(OpenSource):
    """Articles that GDELT saw, published when their batch says: it does not tell when they really were."""

    feed: GdeltFeed

    def resources(self, day: date) -> tuple[Wanted, ...]:
        """Return the bulk file of each quarter of an hour whose reports may be used on the day."""
        return tuple(self._bulk(batch) for batch in self._batches(day))

    def gap_resources(self, day: date, missing: Collection[str]) -> dict[str, Wanted]:
        """Return a search for the articles of each quarter of an hour whose bulk file is missing."""
        keys = {_key(_BULK, batch): batch for batch in self._batches(day)}
        return {key: self._search(batch) for key, batch in keys.items() if key in missing}

    def _batches(self, day: date) -> list[datetime]:
        start = datetime.combine(day, time(), UTC) - self.feed.delay
        late = (start - datetime(1970, 1, 1, tzinfo=UTC)) % _QUARTER
        first = start + (_QUARTER - late if late else timedelta(0))
        return [first + number * _QUARTER for number in range(96)]

    def _bulk(self, batch: datetime) -> Resource:
        url = f"{self.feed.base_url}/{batch.strftime(_STAMP)}.gkg.csv.zip"
        return Resource(self.feed.name, _key(_BULK, batch), url)

    def _search(self, batch: datetime) -> Resource:
        words = [f'"{word}"' if " " in word else word for word in self.feed.words]
        asked = {
            "query": f"({' OR '.join(words)})" if len(words) > 1 else words[0],
            "mode": "artlist",
            "format": "json",
            "maxrecords": _MOST_ARTICLES,
            "sort": "dateasc",
            "startdatetime": (batch - _QUARTER).strftime(_STAMP),
            "enddatetime": batch.strftime(_STAMP),
        }
        return Resource(self.feed.name, _key(_SEARCH, batch), f"{self.feed.api_url}?{urlencode(asked)}")

    def read(self, body: bytes, origin: Origin) -> Parsed:
        """Return the articles of a bulk file, or of an answer to a search; FeedGarbled for what is neither."""
        kind, _, stamp = origin.resource.partition("/")
        if kind == _SEARCH:
            found = self._found(body, stamp, origin)
            return replace(self._settled(found, origin), is_cut=len(found) >= _MOST_ARTICLES)
        limit = _UNPACKED * self.feed.max_bytes
        lines = only_member(body, ".gkg.csv", limit, origin).split(b"\n")
        rows = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
        return self._settled([self._line(line, number, stamp, origin) for number, line in rows], origin)

    def _settled(self, read: list[_Read], origin: Origin) -> Parsed:
        reports = [one.report for one in read if one.report is not None]
        rejected = [one.rejected for one in read if one.rejected is not None]
        off_topic = len(read) - len(reports) - len(rejected)
        return read_reports(reports, rejected, self.feed.standing, origin, off_topic)

    def _line(self, line: bytes, number: int, stamp: str, origin: Origin) -> _Read:
        place, text = f"line {number}", line.decode("utf-8", "backslashreplace").rstrip("\r")
        try:
            fields = _fields(line, text)
            report = self._article(fields, stamp, place, text)
        except RowRefused as refused:
            return _Read(rejected=origin.refuse(refused, place, text))
        return _Read(report) if self._is_about([report.title, *report.entities]) else _Read()

    def _article(self, fields: list[str], stamp: str, place: str, text: str) -> Report:
        url = fields[_DOCUMENT]
        names = (name.strip() for column in (_ORGANIZATIONS, _PERSONS) for name in fields[column].split(";"))
        return Report(
            place=place,
            row=text,
            outlet=fields[_OUTLET] or host(url),
            kind=self.feed.kind,
            published_at=_seen(fields[_DATE], _BATCH, stamp),
            title=_page_title(fields[_EXTRAS]),
            url=url,
            tone=self._tone(fields[_TONE]),
            entities=tuple(dict.fromkeys(name for name in names if name)),
        )

    def _tone(self, text: str) -> float | None:
        """Return the tone of an article in [-1, 1]; None where GDELT gives none."""
        tone = read_number(text.partition(",")[0])
        return None if math.isnan(tone) else max(-1.0, min(1.0, tone / self.feed.full_tone))

    def _is_about(self, texts: list[str]) -> bool:
        return any(self._words.search(text) for text in texts)

    @cached_property
    def _words(self) -> re.Pattern[str]:
        return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, self.feed.words))})(?!\w)", re.IGNORECASE)

    def _found(self, body: bytes, stamp: str, origin: Origin) -> list[_Read]:
        articles = _articles(body, origin)
        return [self._hit(article, f"article {number}", stamp, origin) for number, article in enumerate(articles, 1)]

    def _hit(self, article: Any, place: str, stamp: str, origin: Origin) -> _Read:
        text = canon.dumps(article).decode()
        names = ("url", "title", "seendate", "domain")
        if not isinstance(article, dict) or not all(isinstance(article.get(name), str) for name in names):
            detail = f"an article has {', '.join(names)}, all of them text"
            return _Read(rejected=origin.reject(Reason.MALFORMED_ROW, detail, place, text))
        try:
            seen = _seen(article["seendate"], _SEEN, stamp)
        except RowRefused as refused:
            return _Read(rejected=origin.refuse(refused, place, text))
        outlet, title = article["domain"], article["title"]
        return _Read(Report(place, text, outlet, self.feed.kind, seen, title, article["url"]))


def _key(kind: str, batch: datetime) -> str:
    return f"{kind}/{batch.strftime(_STAMP)}"


def _fields(line: bytes, text: str) -> list[str]:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RowRefused(Reason.NON_UTF8, f"byte {error.start} of the line is not UTF-8") from None
    fields = text.split("\t")
    if len(fields) != _COLUMNS:
        raise RowRefused(Reason.MALFORMED_ROW, f"the line has {len(fields)} columns, not {_COLUMNS}")
    return fields


def _seen(text: str, written: TimeSettings, stamp: str) -> datetime:
    """Return when an article could be known: when it says, and not before the batch that it stands in."""
    return max(read_moment(text, written), read_moment(stamp, _BATCH))


def _page_title(extras: str) -> str:
    title, end, _ = extras.partition(_TITLE)[2].partition(_TITLE_END)
    return html.unescape(title[:LONGEST_TEXT]) if end else ""


def _articles(body: bytes, origin: Origin) -> list[Any]:
    try:
        answer = canon.parse(body)
    except CanonError as error:
        raise unreadable(origin, f"it is not JSON: {error}; {body[:200]!r}") from None
    articles = answer.get("articles", None if answer else []) if isinstance(answer, dict) else None
    if not isinstance(articles, list):
        raise unreadable(origin, f"it holds no articles: {body[:200]!r}")
    return articles
