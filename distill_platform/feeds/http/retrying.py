"""Retrying: which errors are worth another attempt, and how long to wait for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from distill_platform.core.errors import FeedError, FeedUnavailable
from distill_platform.feeds.settings import RetrySettings

if TYPE_CHECKING:
    from stamina import Attempt

_LONGEST_S = 366.0 * 86_400.0
_SECONDS = re.compile(r"\d+", re.ASCII)


def attempts_of(settings: RetrySettings, most: int, left_s: Callable[[], float]) -> Iterator[Attempt]:
    """Yield contexts to make an attempt in, `most` at most: the next one after a wait, when the error was worth it.

    `left_s` says what is left of the time for all of them. The library's own log of retries is switched off, since
    every attempt is written down in the book of attempts.
    """
    from stamina import instrumentation, retry_context

    instrumentation.set_on_retry_hooks(())
    yield from retry_context(
        on=lambda error: wait_before_retry(error, settings, left_s()),
        attempts=most,
        timeout=settings.timeout_s,
        wait_initial=settings.first_wait_s,
        wait_max=settings.max_wait_s,
        wait_jitter=settings.jitter_s,
    )


def wait_before_retry(error: Exception, settings: RetrySettings, left_s: float) -> bool | float:
    """Return whether to try again: False, True after the usual wait, or the seconds that the source told us to wait.

    `left_s` is what is left of the time for all attempts. A wait that would not end within it is not begun. Seconds
    are never fewer than the first usual wait.
    """
    if not isinstance(error, FeedError) or not error.is_transient:
        return False
    told = error.retry_after_s if isinstance(error, FeedUnavailable) else None
    if told is None:
        return settings.max_wait_s < left_s
    wait = max(told, settings.first_wait_s)
    return wait if wait < left_s else False


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that an answer's header `Retry-After` tells us to wait, at most 366 days; None without one.

    A moment is read against the server's own clock (its header `Date`) where there is one, and against `now`
    otherwise, so that a wrong clock on either side does no harm. What cannot be read is taken for nothing said.
    """
    said = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(said):
        return min(float(said[:20]), _LONGEST_S)
    moment = http_moment(said)
    if moment is None:
        return None
    here = http_moment(headers.get("date", "")) or now
    return min(max(0.0, (moment - here).total_seconds()), _LONGEST_S)


def http_moment(text: str) -> datetime | None:
    """Return the moment that an HTTP date means, in UTC; None for what is not one."""
    try:
        moment = parsedate_to_datetime(text)
        # A zone of "-0000" comes back without one; HTTP dates are always GMT.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
