"""The table of revisions."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

# Without row ids: a table with them has a second, hidden key, by which INSERT OR REPLACE can take away a row.
_SQLITE = """
CREATE TABLE revision (
    stream TEXT NOT NULL,
    number INTEGER NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    actor TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    prev TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (stream, number),
    UNIQUE (stream, key)
) STRICT, WITHOUT ROWID
"""
# Compared byte by byte, as SQLite does, whatever the language of the server.
_POSTGRES = """
CREATE TABLE revision (
    stream TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    recorded_at TEXT COLLATE "C" NOT NULL,
    prev TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (stream, number),
    UNIQUE (stream, key)
)
"""


def upgrade() -> None:
    """Make the table, and the index by which closed days are exported."""
    op.execute(_SQLITE if op.get_context().dialect.name == "sqlite" else _POSTGRES)
    op.execute("CREATE INDEX revision_recorded_at ON revision (recorded_at)")
