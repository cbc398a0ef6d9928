"""SQLite: the ledger as one file, for one machine and any number of processes on it."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text

from distill_platform.core.errors import LedgerDamaged, LedgerUnavailable
from distill_platform.store.ledger.backend import Backend
from distill_platform.store.ledger.guards import sqlite as guards
from distill_platform.store.ledger.migrating import upgrade
from distill_platform.store.ledger.schema import VERSION_TABLE

_WAIT_MS = 60_000  # for other writers
_SETTINGS = (f"PRAGMA busy_timeout = {_WAIT_MS}", "PRAGMA synchronous = FULL", "PRAGMA recursive_triggers = ON")


class Sqlite(Backend):
    """A ledger in one file: writers take turns, readers see the last committed state and wait for nobody."""

    def __init__(self, file: Path) -> None:
        super().__init__(str(file))
        self._file = file
        self._writer = _engine(file, "BEGIN IMMEDIATE", _SETTINGS)
        self._reader = _engine(file, "BEGIN", (*_SETTINGS, "PRAGMA query_only = ON"))

    def version(self) -> str | None:
        """Return the version of the ledger's schema, None where there is no ledger yet; a missing file stays so."""
        if not self._file.is_file():
            return None
        with self.reading() as connection:
            if not inspect(connection).has_table(VERSION_TABLE):
                return None
            return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()

    def prepare(self) -> None:
        """Make the file, or bring it to the newest version, and put up its guards."""
        with self._alone(), self.errors():
            _keep_a_log(self._file)
            with self.writing() as connection:
                upgrade(connection)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold off other processes that prepare the same file: changing its journal mode waits for nobody."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.with_name(f"{self._file.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise LedgerUnavailable(f"{self._file} cannot be made: {error.strerror or error}") from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that holds the file's write lock from its first moment."""
        with self.errors(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the ledger."""
        with self.errors(), self._reader.begin() as connection:
            yield connection

    def lock(self, connection: Connection, streams: Collection[str]) -> None:
        """Return at once: the transaction holds the only write lock there is."""

    def lock_all(self, connection: Connection) -> None:
        """Return at once: the transaction holds the only write lock there is."""

    def unguarded(self, connection: Connection) -> list[str]:
        """Return what of the schema and its guards is missing or altered."""
        return guards.unguarded(connection)

    def flaws(self, connection: Connection) -> list[str]:
        """Return what SQLite's own check of the file's pages and indexes finds."""
        lines = connection.execute(text("SELECT integrity_check FROM pragma_integrity_check(20)")).scalars()
        return [str(line) for line in lines if line != "ok"]

    def close(self) -> None:
        """Close the file."""
        self._writer.dispose()
        self._reader.dispose()


def _engine(file: Path, begin: str, settings: Collection[str]) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(file)))

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # the driver's own idea of when a transaction begins misses most statements
        for setting in settings:
            connection.execute(setting)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _keep_a_log(file: Path) -> None:
    """Switch the file to write-ahead logging, which it remembers; possible outside of transactions only."""
    try:
        with closing(sqlite3.connect(file, timeout=_WAIT_MS / 1000)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        raise LedgerUnavailable(f"{file} cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise LedgerDamaged(f"{file} is damaged: {error}", hint="Restore it from a copy") from error
