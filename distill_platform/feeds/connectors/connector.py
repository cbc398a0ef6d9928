"""The one interface of all sources: what to ask for, and what a body says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from distill_platform.feeds.feed import FeedConfig
from distill_platform.feeds.http.resource import Resource
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Origin


@dataclass(frozen=True)
class LocalFile:
    """A file of this disk that a feed consists of; `key` names it within the feed."""

    feed: str
    key: str
    path: Path


Wanted = Resource | LocalFile


class Connector(Protocol):
    """A kind of source. It keeps nothing and asks for nothing itself: reading a body again gives the same rows."""

    @property
    def feed(self) -> FeedConfig:
        """Return the declaration that it works by."""

    @property
    def replaces(self) -> bool:
        """Return whether a resource's newest version stands for all that it showed before."""

    @property
    def lists_latest(self) -> bool:
        """Return whether a resource lists what came last, so that what a version lacks was not there by then."""

    def resources(self, day: date) -> tuple[Wanted, ...]:
        """Return what holds the rows of a UTC day, each under the key that its bytes are kept by."""

    def gap_resources(self, day: date, missing: Collection[str]) -> dict[str, Wanted]:
        """Return, for keys of resources whose bytes are not to be had, what to ask for instead."""

    def signed(self, wanted: Wanted) -> Wanted:
        """Return what is asked for with the secrets that asking takes; ConfigError where one is not set."""

    def read(self, body: bytes, origin: Origin) -> Parsed:
        """Return the rows of a body, of whatever days; FeedGarbled for bytes of which nothing can be read."""


class OpenSource:
    """What connectors have in common whose source asks for no secret and is asked in one way only."""

    @property
    def replaces(self) -> bool:
        """Return false: what a resource showed once has been said, whatever it shows later."""
        return False

    @property
    def lists_latest(self) -> bool:
        """Return false: what a resource lacks may have been there all the same."""
        return False

    def gap_resources(self, day: date, missing: Collection[str]) -> dict[str, Wanted]:
        """Return nothing: there is no second way to this source's bytes."""
        return {}

    def signed(self, wanted: Wanted) -> Wanted:
        """Return the same: this source is open to everybody."""
        return wanted
