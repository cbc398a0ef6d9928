"""RSS 2.0 and Atom: headlines of XML documents, read without ever following or expanding an entity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from distill_platform.core.canon import sha256_hex
from distill_platform.feeds.connectors.connector import OpenSource, Wanted
from distill_platform.feeds.connectors.unreadable import unreadable
from distill_platform.feeds.feed import RssFeed
from distill_platform.feeds.http.resource import Resource
from distill_platform.feeds.moments import read_published
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Origin, Reason, Rejected, RowRefused
from distill_platform.feeds.report_rows import Report, host, read_reports

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ROOTS = ("rss", "feed", "rdf")
_ITEMS = ("item", "entry")
_TIMES = ("pubdate", "published", "date", "updated")  # the first that is there counts


@dataclass(frozen=True)
class Rss(OpenSource):
    """Headlines as they stand in a feed's documents at the time of asking; whoever asks too late has missed some."""

    feed: RssFeed

    @property
    def lists_latest(self) -> bool:
        """Return true: a document lists its newest items."""
        return True

    def resources(self, day: date) -> tuple[Wanted, ...]:
        """Return each document once, under a key of its own for every day, since its content is that of the day."""
        return tuple(Resource(self.feed.name, f"{day}/{sha256_hex(url.encode())[:16]}", url) for url in self.feed.urls)

    def read(self, body: bytes, origin: Origin) -> Parsed:
        """Return the items of a document; FeedGarbled unless it is one whole XML document of a known kind."""
        reports: list[Report] = []
        rejected: list[Rejected] = []
        for number, item in enumerate(_items(_text(body, self.feed.encoding, origin), origin), start=1):
            place = f"item {number}"
            try:
                reports.append(self._report(item, place))
            except RowRefused as refused:
                rejected.append(origin.refuse(refused, place, _written(item)))
        return read_reports(reports, rejected, self.feed.standing, origin)

    def _report(self, item: Element, place: str) -> Report:
        url = _link(item)
        return Report(
            place=place,
            row=_written(item),
            outlet=self.feed.outlet or _source(item) or host(url),
            kind=self.feed.kind,
            published_at=read_published(_time(item)),
            title=_child(item, "title"),
            url=url,
            entities=tuple(_texts(item, "category")),
        )


def _text(body: bytes, encoding: str | None, origin: Origin) -> bytes | str:
    """Return the document; as text where the feed's file says better than the document what its bytes mean."""
    try:
        return body if encoding is None else body.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise unreadable(origin, f"it is not {encoding} text: {error}") from None


def _items(body: bytes | str, origin: Origin) -> list[Element]:
    root = _root(body, origin)
    if _name(root) not in _ROOTS:
        raise unreadable(origin, f"it is no RSS or Atom document but <{_name(root)[:40]}>")
    return list(_outermost(root))


def _outermost(root: Element) -> Iterator[Element]:
    """Yield the items of a document in order; an item within an item is part of it, or each would hold all others."""
    below = [root]
    while below:
        element = below.pop()
        if _name(element) in _ITEMS:
            yield element
        else:
            below.extend(reversed(element))


def _root(body: bytes | str, origin: Origin) -> Element:
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except DefusedXmlException as error:
        raise unreadable(origin, f"it declares entities or a document type: {error}") from None
    except (ParseError, ValueError, LookupError) as error:
        raise unreadable(origin, f"it is not XML, or not all of it: {error}") from None
    return root


def _name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2].lower()


def _space(element: Element) -> str:
    return element.tag.rpartition("}")[0]


def _named(item: Element, name: str) -> list[Element]:
    """Return the children of that name; those of the item's own vocabulary before those that others add to it."""
    found = [child for child in item if _name(child) == name]
    return sorted(found, key=lambda child: _space(child) != _space(item))


def _texts(item: Element, name: str) -> Iterator[str]:
    """Yield what each child of that name says: its text with that of its own children, or Atom's `term`."""
    for child in _named(item, name):
        yield "".join(child.itertext()).strip() or child.get("term", "")


def _child(item: Element, name: str) -> str:
    return next((text for text in _texts(item, name) if text), "")


def _source(item: Element) -> str:
    """Return whom an RSS item says that it is from; Atom's source is a whole feed's description."""
    return next((child.text or "" for child in _named(item, "source") if len(child) == 0), "").strip()


def _time(item: Element) -> str:
    found = next((text for name in _TIMES if (text := _child(item, name))), "")
    if not found:
        raise RowRefused(Reason.MISSING_TIME, "the item has no date")
    return found


def _link(item: Element) -> str:
    """Return an item's address: RSS has it as text, Atom as `href` of the alternate, and a guid may be one."""
    for child in _named(item, "link"):
        found = child.get("href") or "".join(child.itertext())
        if child.get("rel", "alternate") == "alternate" and host(found):
            return found
    return next((text for name in ("guid", "id") if host(text := _child(item, name))), "")


def _written(item: Element) -> str:
    """Return an item as text, for people: its own XML is in the stored bytes."""
    return " | ".join(f"{_name(child)}: {''.join(child.itertext()).strip()}" for child in item)
