"""Rate limit: a bucket of tokens, one for each request, that fills at a steady rate."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from distill_platform.feeds.settings import RateLimit


class TokenBucket:
    """Holds back whoever asks too fast; threads may share it, each process has its own.

    It is full at first, so a burst of `requests` goes through at once, and then one every `period_s / requests`.
    """

    def __init__(self, limit: RateLimit, monotonic: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._capacity = float(limit.requests)
        self._per_second = limit.requests / limit.period_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._tokens = self._capacity
        self._filled_at = monotonic()
        self._lock = Lock()

    def take(self) -> float:
        """Return the seconds that were waited until the caller may send one request."""
        with self._lock:
            self._fill()
            self._tokens -= 1.0  # below zero when others wait already: each waits for its own token
            wait = max(0.0, -self._tokens / self._per_second)
        if wait > 0.0:
            self._sleep(wait)
        return wait

    def _fill(self) -> None:
        now = self._monotonic()
        gained = max(0.0, now - self._filled_at) * self._per_second
        self._tokens = min(self._capacity, self._tokens + gained)
        self._filled_at = now
