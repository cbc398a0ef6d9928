"""Ways around the ledger: what somebody with all the rights, or with the file, can do to its database."""

import sqlite3

from distill_platform.store.ledger.guards import sqlite
from distill_platform_tests.store.conftest import run_sql

_ON = ("revision_follows", "revision_stays", "revision_table_stays")


def file_of(url: str) -> str:
    return url.removeprefix("sqlite:///")


def execute(url: str, *statements: str) -> None:
    """Run statements with all the rights there are."""
    if not url.startswith("sqlite"):
        run_sql(url, "SET search_path = distill_ledger", *statements)
        return
    connection = sqlite3.connect(file_of(url), isolation_level=None)
    try:
        for statement in statements:
            connection.execute(statement)
    finally:
        connection.close()


def tamper(url: str, *statements: str) -> None:
    """Take the guards down, run statements, and put the guards up again as if nothing had happened."""
    if url.startswith("sqlite"):
        down = [f"DROP TRIGGER {name}" for name in sqlite.TRIGGERS]
        up = [statement.strip() for statement in sqlite.TRIGGERS.values()]
    else:
        down = ["ALTER TABLE revision DISABLE TRIGGER ALL"]
        up = [f"ALTER TABLE revision ENABLE ALWAYS TRIGGER {name}" for name in _ON]
    execute(url, *down, *statements, *up)
