"""The guards in SQLite: triggers. Whoever may write the file can drop them, so they are looked at before every use."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from distill_platform.store.ledger.revision import GENESIS
from distill_platform.store.ledger.schema import COLUMNS, PRIMARY, UNIQUE

# `INSERT OR REPLACE` fires no trigger for the row that it takes away: what it would replace is refused before.
TRIGGERS = {
    "revision_follows": f"""
CREATE TRIGGER revision_follows BEFORE INSERT ON revision BEGIN
  SELECT RAISE(ABORT, 'ledger: the number does not follow the last one of the stream')
  WHERE NEW.number IS NOT 1 + coalesce((SELECT max(number) FROM revision WHERE stream = NEW.stream), 0);
  SELECT RAISE(ABORT, 'ledger: prev is not the digest of the last revision of the stream')
  WHERE NEW.prev IS NOT coalesce(
    (SELECT digest FROM revision WHERE stream = NEW.stream AND number = NEW.number - 1), '{GENESIS}');
  SELECT RAISE(ABORT, 'ledger: the key is taken')
  WHERE EXISTS (SELECT 1 FROM revision WHERE stream = NEW.stream AND key = NEW.key);
END""",
    "revision_stays": """
CREATE TRIGGER revision_stays BEFORE UPDATE ON revision BEGIN
  SELECT RAISE(ABORT, 'ledger: a revision is never changed');
END""",
    "revision_remains": """
CREATE TRIGGER revision_remains BEFORE DELETE ON revision BEGIN
  SELECT RAISE(ABORT, 'ledger: a revision is never deleted');
END""",
}


def put_up(connection: Connection) -> None:
    """Create the triggers, in place of what is left of them."""
    for name, statement in TRIGGERS.items():
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        connection.exec_driver_sql(statement.strip())


def unguarded(connection: Connection) -> list[str]:
    """Return what of the table, its keys and its triggers is missing or altered."""
    kind = connection.execute(text("SELECT type, wr, strict FROM pragma_table_list('revision')")).one_or_none()
    if kind is None:
        return ["the table revision is missing"]
    found = [] if tuple(kind) == ("table", 1, 1) else ["the table revision is not strict, or has row ids"]
    return [*found, *_columns(connection), *_keys(connection), *_triggers(connection)]


def _columns(connection: Connection) -> Iterator[str]:
    rows = connection.execute(text("SELECT name, type, \"notnull\", hidden FROM pragma_table_xinfo('revision')"))
    found = [tuple(row) for row in rows]
    expected = [(name, "INTEGER" if name == "number" else "TEXT", 1, 0) for name in COLUMNS]
    if found != expected:
        yield f"the columns of revision are not {', '.join(COLUMNS)} with their types"


def _keys(connection: Connection) -> Iterator[str]:
    query = (
        "SELECT i.name, i.origin, c.name, c.coll FROM pragma_index_list('revision') i, pragma_index_xinfo(i.name) c "
        'WHERE i."unique" AND NOT i.partial AND c.key ORDER BY i.name, c.seqno'
    )
    keys: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for index, origin, column, collation in connection.execute(text(query)):
        keys.setdefault((index, origin), []).append((column, collation))
    found = {(origin, tuple(columns)) for (_, origin), columns in keys.items()}
    for origin, title, columns in (("pk", "primary key", PRIMARY), ("u", "unique key", UNIQUE)):
        if (origin, tuple((column, "BINARY") for column in columns)) not in found:
            yield f"the {title} ({', '.join(columns)}) is missing"


def _triggers(connection: Connection) -> Iterator[str]:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'revision' COLLATE NOCASE"
    found = {str(name): str(statement) for name, statement in connection.execute(text(query))}
    for name, statement in TRIGGERS.items():
        if name not in found:
            yield f"the trigger {name} is missing"
        elif found[name].split() != statement.split():
            yield f"the trigger {name} was altered"
    yield from (f"the trigger {name} is not ours" for name in sorted(found.keys() - TRIGGERS.keys()))
