"""Bodies: kept bytes as rows, each body read once however many days it covers."""

from __future__ import annotations

from collections import OrderedDict

from distill_platform.core.errors import FeedError
from distill_platform.feeds.connectors.connector import Connector
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.raw_store import RawStore, Snapshot
from distill_platform.feeds.rejected import Origin

_MOST_KEPT = 64


class Bodies:
    """Reads what a connector's resources showed, out of the raw store; one for all the days of a run."""

    def __init__(self, connector: Connector, store: RawStore) -> None:
        self.connector = connector
        self._store = store
        self._read: OrderedDict[Snapshot, Parsed | FeedError] = OrderedDict()

    def versions(self, key: str) -> list[Snapshot]:
        """Return the versions of a resource that count, oldest first: all of them, or the newest of a file.

        Bytes that came back after others are the newest again, but were known when they came first: else the same
        bytes would be other rows than before.
        """
        found = self._store.snapshots(self.connector.feed.name, key)
        first: dict[str, Snapshot] = {}
        for version in found:
            first.setdefault(version.sha256, version)
        shown = dict.fromkeys(version.sha256 for version in reversed(found))  # the newest first
        own = [first[sha256] for sha256 in shown]
        return own[:1] if self.connector.replaces else own[::-1]

    def rows(self, snapshot: Snapshot) -> Parsed | FeedError:
        """Return the rows of one version; the error that says why there are none is a value here."""
        if snapshot not in self._read:
            self._read[snapshot] = self._parsed(snapshot)
            if len(self._read) > _MOST_KEPT and not self.connector.replaces:  # a file is read for every day
                self._read.popitem(last=False)
        self._read.move_to_end(snapshot)
        return self._read[snapshot]

    def _parsed(self, snapshot: Snapshot) -> Parsed | FeedError:
        origin = Origin(snapshot.feed, snapshot.key, snapshot.sha256, snapshot.fetched_at)
        try:
            return self.connector.read(self._store.read(snapshot.feed, snapshot.sha256), origin)
        except FeedError as error:
            return error
