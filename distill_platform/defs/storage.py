"""Dagster's own storage: SQLite files by default, pooled Postgres when a URL is given.

`dagster.yaml` names `PlatformStorage`, which builds one of the two storages below. Both are Dagster's own with one
change: connections stay open. Stock storages open one for every statement, and a range of days writes thousands of
events. Dagster's event log mirrors the verdicts and the lake's manifests are the record, so a power cut may cost the
SQLite log its last events, but never its consistency; a killed process costs nothing that was written.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import environ
from pathlib import Path
from typing import Any

from dagster import DagsterEventType, StringSource
from dagster._config.config_schema import UserConfigSchema
from dagster._core.event_api import EventHandlerFn
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log.polling_event_watcher import SqlPollingEventWatcher
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_S, _POOL_OVERFLOW = 300_000, 600, 20
_OPEN_SHARDS = 8  # SQLite has one file per run: how many stay open in a process that looks at many runs
_BATCHED = (DagsterEventType.ASSET_MATERIALIZATION_PLANNED, DagsterEventType.ASSET_MATERIALIZATION)


class PlatformStorage(DagsterStorage):
    """The name in `dagster.yaml`. It is never built itself: it hands out the storage that the settings ask for."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {"sqlite_folder": StringSource, "postgres_url_variable": str}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Any:
        variable = config_value["postgres_url_variable"]
        if url := environ.get(variable, "").strip():
            return PooledPostgresStorage(psycopg2_url(url, variable), inst_data=inst_data)
        return OpenSqliteStorage(str(Path(config_value["sqlite_folder"], "storage")), inst_data=inst_data)


class PooledPostgresStorage(DagsterPostgresStorage):
    """Dagster's Postgres storage with one open connection per part, as the web server has it, in every process."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(postgres_url, inst_data=inst_data)
        for part in (self._run_storage, self._event_log_storage, self._schedule_storage):
            part.optimize_for_webserver(_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_S, _POOL_OVERFLOW)


class OpenSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage, the same files and tables; the event log, which is what a run writes, stays open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = OpenEventLogStorage(str(Path(base_dir, "history", "runs")))


class OpenEventLogStorage(SqliteEventLogStorage):
    """One file per run and an index over them. Stock readers wait for a run's file to change, which open connections
    hardly ever do (the write-ahead log takes the events), so a run is followed by polling, as on Postgres."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Any] = OrderedDict()
        self._watcher: SqlPollingEventWatcher | None = None
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Any]:
        with self._db_lock, self._engine_of(shard).begin() as connection:
            yield connection

    def _engine_of(self, shard: str) -> Any:
        if shard not in self._engines:
            settings = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "factory": _NormalSync}
            self._engines[shard] = create_engine(self.conn_string_for_shard(shard), connect_args=settings)
            if len(self._engines) > _OPEN_SHARDS:
                self._engines.popitem(last=False)[1].dispose()
        self._engines.move_to_end(shard)
        if shard not in self._initialized_dbs:
            self._initdb(self._engines[shard])
            self._initialized_dbs.add(shard)
        return self._engines[shard]

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """With DAGSTER_EVENT_BATCH_SIZE set: the asset events of a range in two transactions instead of three each."""
        assets = [event for event in events if event.dagster_event_type in _BATCHED]
        inserts = [self.prepare_insert_event(event) for event in assets]
        with self.run_connection(events[0].run_id) as connection:
            for insert in inserts:
                connection.execute(insert)
        with self.index_connection() as connection:
            ids = [connection.execute(insert).lastrowid for insert in inserts]
            self._store_asset_event_tags(connection, assets, ids)
            latest = {
                (event.dagster_event_type, event.get_dagster_event().asset_key): (event, event_id)
                for event, event_id in zip(assets, ids, strict=True)
            }
            for event, event_id in latest.values():
                self._store_asset_event(connection, event, event_id)
        super().store_event_batch([event for event in events if event.dagster_event_type not in _BATCHED])

    @property
    def supports_asset_checks(self) -> bool:
        """Every database that this storage makes has the table; the stock one looks for it before every check."""
        return True

    def wipe(self) -> None:
        self._close()
        super().wipe()

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        self._watcher = self._watcher or SqlPollingEventWatcher(self)
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: EventHandlerFn) -> None:
        if self._watcher:
            self._watcher.unwatch_run(run_id, handler)

    def dispose(self) -> None:
        if self._watcher:
            self._watcher.close()
            self._watcher = None
        self._close()

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


class _NormalSync(sqlite3.Connection):
    """Leaves the disk flush to the checkpoint: with the write-ahead log the file is consistent at any moment."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute("PRAGMA synchronous=NORMAL")


def psycopg2_url(url: str, origin: str = "the URL") -> str:
    """The same database with the driver spelled out, which dagster-postgres needs."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("postgres", "postgresql", "postgresql+psycopg2"):
        raise ValueError(f"{origin} is not a Postgres URL. Write postgresql://user:password@host:5432/database")
    return f"postgresql+psycopg2://{rest}"
