"""Asking: one request, with the redirects that it leads to, and its answer whole."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from distill_platform.core.errors import FeedRefused, FeedUnavailable
from distill_platform.feeds.http.body import garbled, read_body
from distill_platform.feeds.http.deadline import Deadline
from distill_platform.feeds.http.resource import Resource, is_web_address, shown_url
from distill_platform.feeds.settings import Timeouts

if TYPE_CHECKING:
    from httpx import Client

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_WHY_CHARACTERS = 200
_POLITE = {"Accept": "*/*", "Accept-Encoding": "gzip", "User-Agent": "distill-platform"}
_ORIGIN = re.compile(r"https?://[^/?#]*")


@dataclass(frozen=True)
class Answer:
    """What a server said: its last status, its headers with names in lower case, and the body of a 200."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def open_client(timeouts: Timeouts) -> Client:
    """Return an HTTP client that takes nothing from the environment: no proxy, no password file, no certificates.

    Every request gets a connection of its own, which its deadline can then cut, and no cookie of an earlier answer. The
    client's log of requests is silenced, since it names URLs with the secrets in them.
    """
    import httpx

    logging.getLogger("httpx").addFilter(_is_worth_a_warning)
    timeout = httpx.Timeout(timeouts.read_s, connect=timeouts.connect_s)
    limits, jar = httpx.Limits(max_keepalive_connections=0), CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.Client(timeout=timeout, limits=limits, cookies=jar, trust_env=False)


def ask(
    client: Client,
    resource: Resource,
    conditions: Mapping[str, str],
    limit: int,
    seconds: float,
    may: Callable[[], object],
) -> Answer:
    """Return the answer to one request for `resource`, whatever its status, after five redirects at most.

    `conditions` are headers that make the request conditional; `limit` is in bytes; `seconds` are for everything
    together, but not for `may`, which is called before each request and returns when it may be sent. The resource's
    own headers, which may hold secrets, go to its own origin only.

    Raises FeedUnavailable when the server cannot be reached or takes too long, FeedGarbled when the answer breaks off
    or is not HTTP, and FeedRefused for redirects that go on for ever, to no web address, or from https to http.
    An answer that says nothing of its length ends when the server closes the connection, as HTTP has it.
    """
    url, left = resource.url, seconds
    for _ in range(_MOST_REDIRECTS + 1):
        own = resource.headers if _origin(url) == _origin(resource.url) else {}
        may()
        began = time.monotonic()
        with Deadline(left) as deadline:
            answer = _get(client, resource, url, {**_POLITE, **conditions, **own}, limit, deadline)
        if answer.status not in _REDIRECTS:
            return answer
        url, left = _target(resource, url, answer), max(left - (time.monotonic() - began), 0.0)
    raise _refused(resource, f"it redirects more than {_MOST_REDIRECTS} times", answer.status)


def _get(
    client: Client, resource: Resource, url: str, headers: Mapping[str, str], limit: int, deadline: Deadline
) -> Answer:
    import httpx

    try:
        with client.stream("GET", url, headers=headers, extensions={"trace": deadline.watch}) as response:
            said = {name.lower(): value for name, value in response.headers.items()}
            packing = said.get("content-encoding", "")
            body = read_body(response.iter_raw(), packing, limit, resource) if response.status_code == 200 else b""
    except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError) as error:  # whose text may hold a secret
        raise _refused(resource, f"its URL or headers cannot be sent: {type(error).__name__}", None) from None
    except httpx.RemoteProtocolError as error:
        _refuse_late(resource, deadline)
        why = f"its answer breaks off or is not HTTP: {str(error)[:_WHY_CHARACTERS]}"
        raise garbled(resource, why, is_transient=True) from None
    except httpx.TransportError as error:
        _refuse_late(resource, deadline)
        raise _unavailable(resource, str(error) or type(error).__name__) from None
    _refuse_late(resource, deadline)  # a body without a length seems to end where its connection was cut
    return Answer(response.status_code, said, body)


def _refuse_late(resource: Resource, deadline: Deadline) -> None:
    if deadline.is_over:
        raise _unavailable(resource, f"its answer took longer than {deadline.seconds:g} s")


def _target(resource: Resource, url: str, answer: Answer) -> str:
    """Return where a redirect leads: a web address, and an encrypted one if the connection was."""
    location = answer.headers.get("location", "")
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    if not location or not is_web_address(target):
        raise _refused(resource, "it redirects to no web address", answer.status)
    if url.startswith("https:") and not target.startswith("https:"):
        raise _refused(resource, f"it redirects from https to {shown_url(target)[:200]}", answer.status)
    return target


def _origin(url: str) -> str:
    found = _ORIGIN.match(url.lower())
    return found.group() if found else url


def _unavailable(resource: Resource, message: str) -> FeedUnavailable:
    return FeedUnavailable(message, feed=resource.feed, url=resource.shown)


def _refused(resource: Resource, message: str, status: int | None) -> FeedRefused:
    return FeedRefused(message, feed=resource.feed, url=resource.shown, status=status)


def _is_worth_a_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
