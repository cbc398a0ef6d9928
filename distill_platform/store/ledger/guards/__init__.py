"""Guards: what makes the database itself refuse to change, delete, skip or replace a revision."""

from __future__ import annotations

from sqlalchemy import Connection

from distill_platform.store.ledger.guards import postgres, sqlite


def put_up(connection: Connection) -> None:
    """Put up the guards of this kind of database, in place of what is left of them."""
    if connection.dialect.name == "sqlite":
        sqlite.put_up(connection)
    else:
        postgres.put_up(connection)
