"""Health: how one feed did on one day, and what of it is less than it owes us."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from distill_platform.feeds.attempts import AttemptDay, AttemptOutcome
from distill_platform.feeds.settings import Slo

_GAVE_DATA = (AttemptOutcome.NEW, AttemptOutcome.UNCHANGED)
_FAILED = (
    AttemptOutcome.RATE_LIMITED,
    AttemptOutcome.UNAVAILABLE,
    AttemptOutcome.REFUSED,
    AttemptOutcome.GARBLED,
)


@dataclass(frozen=True)
class FeedHealth:
    """One feed on one UTC day. Seconds and shares are None where nothing was there to measure.

    `attempts` were sent and are successes (data, new or unchanged), failures, or empty; `rate_limited` is among the
    failures; `held_back` were not sent. `success_rate` is the successes' share of all that was sent or held back.
    """

    feed: str
    day: date
    attempts: int
    successes: int
    failures: int
    empty: int
    rate_limited: int
    held_back: int
    new: int
    success_rate: float | None
    latency_p50_s: float | None
    latency_p95_s: float | None
    lags: int
    lag_p50_s: float | None
    lag_p95_s: float | None
    lags_impossible: int
    unreadable: int


def feed_health(feed: str, day: date, noted: AttemptDay, lags_s: Iterable[float]) -> FeedHealth:
    """Return how a feed did on a UTC day.

    `lags_s` are seconds from when a record was published to when it was ingested, one for each record of the day. One
    that is negative or not finite was measured with a wrong clock: it is counted, and is in no percentile. Percentiles
    interpolate linearly between two values.
    """
    counts = Counter(attempt.outcome for attempt in noted.attempts)
    held_back = counts[AttemptOutcome.HELD_BACK]
    successes = sum(counts[outcome] for outcome in _GAVE_DATA)
    sent = [attempt for attempt in noted.attempts if attempt.outcome is not AttemptOutcome.HELD_BACK]
    lags = list(lags_s)
    possible = [lag for lag in lags if math.isfinite(lag) and lag >= 0.0]
    latencies = [attempt.latency_s for attempt in sent]
    return FeedHealth(
        feed=feed,
        day=day,
        attempts=len(sent),
        successes=successes,
        failures=sum(counts[outcome] for outcome in _FAILED),
        empty=counts[AttemptOutcome.EMPTY],
        rate_limited=counts[AttemptOutcome.RATE_LIMITED],
        held_back=held_back,
        new=counts[AttemptOutcome.NEW],
        success_rate=successes / len(noted.attempts) if noted.attempts else None,
        latency_p50_s=_quantile(latencies, 0.5),
        latency_p95_s=_quantile(latencies, 0.95),
        lags=len(possible),
        lag_p50_s=_quantile(possible, 0.5),
        lag_p95_s=_quantile(possible, 0.95),
        lags_impossible=len(lags) - len(possible),
        unreadable=noted.unreadable,
    )


def breaches(health: FeedHealth, slo: Slo | None) -> list[str]:
    """Return what of `health` is less than `slo` asks for, one sentence each; empty when it is all there.

    What is not known is a breach: a day without attempts, new data without a lag, a lag that cannot be. History owes
    nothing, `slo` is None, but that its records came after they were published.
    """
    return [*success_breaches(health, slo), *lag_breaches(health, slo)]


def success_breaches(health: FeedHealth, slo: Slo | None) -> list[str]:
    """Return in what the feed gave data less often than it owes."""
    if slo is None:
        return []
    if health.success_rate is None:
        return [f"Nobody asked {health.feed} on {health.day}, so nothing is known of it."]
    if health.success_rate >= slo.success_rate:
        return []
    counts = f"{health.failures} failures, {health.empty} empty, {health.held_back} held back by the breaker"
    share = f"{health.success_rate:.2%} of {health.attempts + health.held_back} attempts"
    return [f"Only {share} gave data ({counts}); {slo.success_rate:.2%} are owed."]


def lag_breaches(health: FeedHealth, slo: Slo | None) -> list[str]:
    """Return in what its records came later than they are owed, or nobody knows how late."""
    found = []
    if health.lags_impossible:
        found.append(f"{health.lags_impossible} records came before they were published: a clock is wrong.")
    if slo is None:
        return found
    if health.lag_p95_s is None and health.new:
        found.append(f"New data came {health.new} times, and nobody knows how late.")
    if health.lag_p95_s is not None and health.lag_p95_s > slo.p95_lag_s:
        found.append(f"95 % of records came within {health.lag_p95_s:.0f} s; {slo.p95_lag_s:g} s are owed.")
    return found


def _quantile(values: Sequence[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if values else None
