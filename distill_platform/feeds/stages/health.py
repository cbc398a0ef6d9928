"""Health: how every feed did on a day, and what it owes us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from distill_platform.core.canon import sig_hash
from distill_platform.feeds.bodies import Bodies
from distill_platform.feeds.collecting import read_stored
from distill_platform.feeds.feed import FeedConfig
from distill_platform.feeds.health import FeedHealth, breaches, feed_health, lag_breaches, success_breaches
from distill_platform.feeds.schemas import HEALTH
from distill_platform.feeds.stage import Feeds, publish_day
from distill_platform.store.lake import Check, Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables

_Found = tuple[FeedConfig, FeedHealth]

SUCCESS, LAG = "slo_success", "slo_lag"


def measure_health(feeds: Feeds, _names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of `source_health`: of every declared feed, whether it was asked or not."""
    manifests = []
    declared = feeds.configuration.declared.feeds
    bodies = {feed.name: feeds.bodies(feed) for feed in declared}
    for done, day in enumerate(days, 1):
        moment = date.fromisoformat(day)
        found = [(feed, _health(feeds, bodies[feed.name], moment)) for feed in declared]
        manifests.append(publish_day(feeds, "source_health", day, _tables(feeds, found)))
        feeds.progress("source_health", done, len(days))
    return manifests


def _health(feeds: Feeds, bodies: Bodies, day: date) -> FeedHealth:
    name = bodies.connector.feed.name
    return feed_health(name, day, feeds.attempts.day(name, day), read_stored(bodies, day).lags_s.tolist())


def _tables(feeds: Feeds, found: Sequence[_Found]) -> MadeTables:
    rows = [_row(feeds, feed, health) for feed, health in found]
    owed = [{"source": feed.name, "breach": said} for feed, health in found for said in breaches(health, feed.slo)]
    digest = sig_hash([[str(value) for value in row.values()] for row in rows])
    counts = Counts(len(found), len(rows))
    return MadeTables({"health": rows, "breaches": owed}, {"attempts": Input(digest, digest)}, counts, _checks(found))


def _row(feeds: Feeds, feed: FeedConfig, health: FeedHealth) -> dict[str, Any]:
    beside = {"source": feed.name, "tier": feed.tier, "confidence": feed.confidence}
    told = {name: getattr(health, name) for name in HEALTH.names if hasattr(health, name)}
    return {**told, **beside, "breaker": feeds.breaker(feed).state().status.value, "owes": feed.slo is not None}


def _checks(found: Sequence[_Found]) -> list[Check]:
    """Return what feeds owe us as checks that warn: a source that is late stops nobody's work."""
    unread = [f"{health.feed}: {health.unreadable}" for _, health in found if health.unreadable]
    late = [health.feed for feed, health in found if lag_breaches(health, feed.slo)]
    failing = [health.feed for feed, health in found if success_breaches(health, feed.slo)]
    owed = [
        check(SUCCESS, "feeds that gave data less often than they owe", len(failing), sample=failing),
        check(LAG, "feeds whose records came later than they owe, or nobody knows when", len(late), sample=late),
    ]
    told = "feeds whose record of attempts has lines that cannot be read"
    return [check("provenance", told, len(unread), sample=unread), *(replace(one, blocking=False) for one in owed)]
