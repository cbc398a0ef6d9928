"""Postgres: the ledger in a schema of its own, written by a role that may only read and insert.

Whatever role the URL names, every connection that serves the ledger acts as `distill_ledger_writer`. The URL's own role
needs to be a member of it, and to own the schema only where it is to prepare the ledger, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from distill_platform.store.ledger.backend import Backend
from distill_platform.store.ledger.guards import postgres as guards
from distill_platform.store.ledger.guards.postgres import SCHEMA, WRITER
from distill_platform.store.ledger.migrating import upgrade
from distill_platform.store.ledger.schema import VERSION_TABLE

# Advisory locks: one for the whole ledger, shared by writers; one out of SLOTS per stream, so that a transaction over
# any number of streams stays within what a server can hold.
_NAMESPACE = 0x64697374
_WHOLE, _SLOTS = 0, 256
_PATH = f"SET search_path = {SCHEMA}, pg_temp"  # nobody's temporary table comes before ours
_SETTINGS = (f"SET ROLE {WRITER}", _PATH, "SET synchronous_commit = on", "SET lock_timeout = '60s'")


class Postgres(Backend):
    """A ledger in a Postgres database: writers of one stream take turns, writers of different ones mostly do not."""

    def __init__(self, url: URL) -> None:
        super().__init__(url.render_as_string(hide_password=True))
        self._owner = _engine(url, (_PATH,))
        self._engine = _engine(url, _SETTINGS)
        # A stricter level, which a server may have as its default, would not see what was committed before a lock.
        self._writer = self._engine.execution_options(isolation_level="READ COMMITTED")
        self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def version(self) -> str | None:
        """Return the version of the ledger's schema, None where there is no ledger yet."""
        with self.errors(), self._owner.begin() as connection:
            query = "SELECT 1 FROM pg_tables WHERE schemaname = :schema AND tablename = :table"
            if connection.execute(text(query), {"schema": SCHEMA, "table": VERSION_TABLE}).first() is None:
                return None
        with self.reading() as connection:
            return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()

    def prepare(self) -> None:
        """Make schema and writing role, or bring them to the newest version, with the rights of the URL's role."""
        with self.errors(), self._owner.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:space, -1)"), {"space": _NAMESPACE})
            if connection.execute(text(f"SELECT to_regnamespace('{SCHEMA}')")).scalar_one() is None:
                connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
            _make_writer(connection)
            upgrade(connection)
        self._engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that may append."""
        with self.errors(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the ledger."""
        with self.errors(), self._reader.begin() as connection:
            yield connection

    def lock(self, connection: Connection, streams: Collection[str]) -> None:
        """Return when this transaction alone appends to the streams; locks are always taken in the same order."""
        slots = sorted({_slot(stream) for stream in streams})
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:space, :whole)"), _fence())
        query = "SELECT pg_advisory_xact_lock(:space, slot) FROM unnest(CAST(:slots AS integer[])) AS slot"
        connection.execute(text(query), {"space": _NAMESPACE, "slots": slots})

    def lock_all(self, connection: Connection) -> None:
        """Return when no other transaction appends to any stream."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:space, :whole)"), _fence())

    def unguarded(self, connection: Connection) -> list[str]:
        """Return what of the schema, its guards and the role's limits is missing, switched off or altered."""
        return guards.unguarded(connection)

    def flaws(self, connection: Connection) -> list[str]:
        """Return nothing: checksums and amcheck are the server's business."""
        return []

    def close(self) -> None:
        """Close all connections."""
        self._owner.dispose()
        self._engine.dispose()


def _fence() -> dict[str, int]:
    return {"space": _NAMESPACE, "whole": _WHOLE}


def _slot(stream: str) -> int:
    return 1 + int.from_bytes(hashlib.sha256(stream.encode()).digest()[:4]) % _SLOTS


def _make_writer(connection: Connection) -> None:
    """Make the writing role, which all ledgers of a server share, and see to it that the URL's role can act as it."""
    connection.exec_driver_sql(
        f"DO $make$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{WRITER}') THEN "
        f"CREATE ROLE {WRITER} NOLOGIN; END IF; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $make$"
    )
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"SET LOCAL ROLE {WRITER}")
    except DBAPIError:
        connection.exec_driver_sql(f"GRANT {WRITER} TO CURRENT_USER")
    else:
        connection.exec_driver_sql("RESET ROLE")


def _engine(url: URL, settings: Collection[str]) -> Engine:
    engine = create_engine(url.set(drivername="postgresql+psycopg2"), pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            for setting in settings:
                cursor.execute(setting)
        connection.commit()  # what is set within a transaction goes with its rollback

    return engine
