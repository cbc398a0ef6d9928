"""A resource: what is asked for, under which name it is kept, and how it is named to people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from distill_platform.core.errors import ConfigError

_FEED = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_KEY_CHARACTERS = 512
_SECRET = re.compile(r"key|token|secret|sig|pass|pwd|auth|credential|session|client|user", re.IGNORECASE)


@dataclass(frozen=True)
class Resource:
    """Something that a feed serves; `key` names it within the feed, and stays when a secret in its URL changes.

    ConfigError for a feed's name that is not lower-case letters, digits and `_.-`, for a key that is not 1 to 512
    printable characters, and for a URL that is not http or https with a host.
    """

    feed: str
    key: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        check_feed(self.feed)
        if not 0 < len(self.key) <= _KEY_CHARACTERS or not self.key.isprintable():
            raise ConfigError(f"{self.feed}: {ascii(self.key)[:80]} is not the key of a resource")
        if not is_web_address(self.url):
            hint = "Write it like https://host/path"
            raise ConfigError(f"{self.feed}: {shown_url(self.url)[:200]} is not a URL", hint=hint)

    @property
    def shown(self) -> str:
        """Return the URL as people may see it."""
        return shown_url(self.url)


def check_feed(name: str) -> None:
    """Return when `name` may be a feed's; ConfigError otherwise, so that no name leads out of a feed's folder."""
    if not _FEED.fullmatch(name):
        hint = "Use 1 to 64 lower-case letters, digits and _ . - with a letter or digit first"
        raise ConfigError(f"{ascii(name)[:80]} is not the name of a feed", hint=hint)


def is_web_address(url: str) -> bool:
    """Return whether `url` is http or https and names a host."""
    parts = _split(url)
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)


def shown_url(url: str) -> str:
    """Return `url` without user, password and fragment, and with `***` for query values whose name tells of a secret.

    A secret within the path is not recognized; whoever has one puts it into a header.
    """
    parts = _split(url)
    if parts is None:
        return "an address that cannot be read"
    pairs = [(name, "***" if _SECRET.search(name) else value) for name, value in parse_qsl(parts.query, True)]
    host = parts.netloc.rpartition("@")[2]
    address = f"{parts.scheme}://{host}{quote(parts.path, safe='/%:@!$&()*+,;=~')}"
    return f"{address}?{urlencode(pairs, safe='*,:/')}" if pairs else address


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # which raises for a port that is not a number
    except ValueError:
        return None
    return parts
