"""Freshness: which version of a resource an answer is, and how to ask for another one only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from distill_platform.feeds.http.retrying import http_moment
from distill_platform.feeds.raw_store import Snapshot

_ETAG = re.compile(r"[\x21-\x7e]{1,256}")
_DATE = re.compile(r"[A-Za-z0-9,: +-]{1,64}")
_SETTLED_S = 1.0  # what was changed within the very second of an answer may change again within it


def conditions_of(snapshot: Snapshot | None) -> dict[str, str]:
    """Return the headers that ask for a resource only if it is another one than `snapshot`."""
    if snapshot is None:
        return {}
    if snapshot.etag:
        return {"If-None-Match": snapshot.etag}
    return {"If-Modified-Since": snapshot.last_modified} if snapshot.last_modified else {}


def etag_of(headers: Mapping[str, str]) -> str:
    """Return an answer's `ETag` if it can be sent back; empty otherwise."""
    etag = headers.get("etag", "")
    return etag if _ETAG.fullmatch(etag) else ""


def last_modified_of(headers: Mapping[str, str], now: datetime) -> str:
    """Return an answer's `Last-Modified` if one can rely on it; empty otherwise.

    A moment that is not past by the server's own clock would make the server say for ever that nothing has changed.
    """
    said, age = headers.get("last-modified", ""), lag_s(headers, now)
    return said if age is not None and age >= _SETTLED_S and _DATE.fullmatch(said) else ""


def lag_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds from when a resource was last modified to its answer, both by the server's clock if it shows.

    None where nobody says, and for a modification in the future: that clock cannot be right.
    """
    modified = http_moment(headers.get("last-modified", ""))
    if modified is None:
        return None
    lag = ((http_moment(headers.get("date", "")) or now) - modified).total_seconds()
    return lag if lag >= 0.0 else None
