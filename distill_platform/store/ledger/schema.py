"""The schema: the one table of the ledger, as queries see it; the migrations make it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, Row, Table, Text

from distill_platform.store.ledger.revision import Revision

VERSION = "0001"  # of the newest migration
VERSION_TABLE = "ledger_version"

revision_table = Table(
    "revision",
    MetaData(),
    Column("stream", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("prev", Text, nullable=False),
    Column("digest", Text, nullable=False),
)
COLUMNS = tuple(column.name for column in revision_table.columns)
PRIMARY = ("stream", "number")
UNIQUE = ("stream", "key")


def to_row(recorded: Revision) -> dict[str, str | int]:
    """Return a revision as the values of a row."""
    values = (recorded.stream, recorded.number, recorded.key, recorded.kind, recorded.text)
    return dict(zip(COLUMNS, (*values, recorded.actor, recorded.moment, recorded.prev, recorded.digest), strict=True))


def from_row(row: Row[tuple[str | int, ...]]) -> Revision:
    """Return the revision in a row, whose columns are those of the table."""
    return Revision(*row)
