"""Report rows: headlines and observations as a source wrote them, made into raw events."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pyarrow as pa

from distill_platform.core.canon import sig_hash
from distill_platform.core.utc import iso
from distill_platform.feeds.events.event import RAW_EVENTS
from distill_platform.feeds.moments import LATEST
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Origin, Reason, Rejected

LONGEST_TEXT = 10_000  # of a title, before markup is taken out of it
_LONGEST_TITLE = 2_000
_LONGEST_URL = 4_000
_JOINERS = "\u200c\u200d"  # they hold letters and emoji together
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|<!--")


@dataclass(frozen=True)
class Standing:
    """What a feed is worth: how good its reports are, and how long after publication they can be had."""

    tier: int
    confidence: float
    delay: timedelta


@dataclass(frozen=True)
class Report:
    """One report as it was read; `row` is what the source wrote, kept if the report is refused."""

    place: str
    row: str
    outlet: str
    kind: str
    published_at: datetime
    title: str
    url: str | None = None
    value: float | None = None
    tone: float | None = None
    entities: tuple[str, ...] = ()


def read_reports(
    reports: Iterable[Report], rejected: Iterable[Rejected], standing: Standing, origin: Origin, off_topic: int = 0
) -> Parsed:
    """Return the reports that are raw events; the others are rejected, besides those that could not be read at all.

    A report has a title, and was published before its bytes were fetched. Two reports that say the same stay two
    rows: duplicates are settled over all bodies of a day.
    """
    events, refused = [], list(rejected)
    for report in reports:
        wrong = _wrong(report, origin.known_until)
        if wrong is None:
            events.append(_event(report, standing, origin))
        else:
            refused.append(_rejected(report, wrong, standing, origin))
    order = [("available_at", "ascending"), ("raw_id", "ascending"), ("place", "ascending")]
    table = pa.Table.from_pylist(events, schema=RAW_EVENTS).sort_by(order)
    return Parsed(table, tuple(refused), len(events) + len(refused) + off_topic, off_topic)


def _wrong(report: Report, known_until: datetime) -> tuple[Reason, str] | None:
    if not plain(report.title):
        return Reason.MISSING_TITLE, "the report has no title"
    if report.published_at > known_until:
        return Reason.IN_THE_FUTURE, "the report says that it was published after its bytes were fetched"
    return None


def _event(report: Report, standing: Standing, origin: Origin) -> dict[str, object]:
    title, url, outlet = plain(report.title), _address(report.url), plain(report.outlet) or origin.source
    identity = [origin.source, outlet, url or "", title, iso(report.published_at)]
    return {
        "raw_id": sig_hash(identity),
        "source": origin.source,
        "outlet": outlet,
        "kind": report.kind,
        "published_at": report.published_at,
        "available_at": report.published_at + standing.delay,
        "title": title,
        "url": url,
        "value": report.value,
        "tone": report.tone,
        "entities": [name for name in map(plain, report.entities) if name],
        "tier": standing.tier,
        "confidence": standing.confidence,
        "raw_sha256": origin.raw_sha256,
        "place": report.place,
    }


def _rejected(report: Report, wrong: tuple[Reason, str], standing: Standing, origin: Origin) -> Rejected:
    reason, detail = wrong
    at = min(report.published_at + standing.delay, LATEST)
    return origin.reject(reason, detail, report.place, report.row, at)


def plain(text: str) -> str:
    """Return a title as people read it: entities resolved, markup, control characters and line breaks taken out."""
    text = html.unescape(text[:LONGEST_TEXT])
    if _MARKUP.search(text):
        text = _without_markup(text)
    return " ".join("".join(map(_shown, text)).split())[:_LONGEST_TITLE]


def _shown(mark: str) -> str:
    """Return a character as it is shown: breaks and controls as a space, what is invisible not at all."""
    category = unicodedata.category(mark)
    if category in ("Cf", "Cs"):
        return mark if mark in _JOINERS else ""
    return " " if category in ("Cc", "Zl", "Zp", "Zs") else mark


def _without_markup(text: str) -> str:
    reader = _Text()
    reader.feed(text)
    reader.close()
    return "".join(reader.found)


class _Text(HTMLParser):
    """Collects what stands between tags; what scripts and styles hold is not text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.hidden = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden = tag if tag in ("script", "style") else self.hidden

    def handle_endtag(self, tag: str) -> None:
        self.hidden = "" if tag == self.hidden else self.hidden

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.found.append(data)


def _address(url: str | None) -> str | None:
    """Return a web address as it was given; None for none, and for what is not one (a script, a bare word)."""
    address = "".join((url or "").split())
    return address if host(address) and len(address) <= _LONGEST_URL else None


def host(url: str) -> str:
    """Return the host of a web address in lower case; empty for anything that is not http or https."""
    try:
        parts = urlsplit(url.strip())
        return (parts.hostname or "") if parts.scheme.lower() in ("http", "https") else ""
    except ValueError:
        return ""
