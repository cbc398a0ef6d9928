"""The guards in Postgres: triggers that are always on, and a role for writing that may only read and insert."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from distill_platform.store.ledger.revision import GENESIS
from distill_platform.store.ledger.schema import COLUMNS, PRIMARY, UNIQUE, VERSION_TABLE

SCHEMA = "distill_ledger"
WRITER = "distill_ledger_writer"

# Bodies of the trigger functions. Names are qualified and the search path is fixed: nobody's temporary table of the
# same name can stand in for the real one.
FUNCTIONS = {
    "revision_follows": f"""
DECLARE
  last record;
BEGIN
  SELECT number, digest INTO last FROM {SCHEMA}.revision WHERE stream = NEW.stream ORDER BY number DESC LIMIT 1;
  IF NEW.number IS DISTINCT FROM coalesce(last.number, 0) + 1 THEN
    RAISE EXCEPTION 'ledger: the number does not follow the last one of the stream';
  END IF;
  IF NEW.prev IS DISTINCT FROM coalesce(last.digest, '{GENESIS}') THEN
    RAISE EXCEPTION 'ledger: prev is not the digest of the last revision of the stream';
  END IF;
  RETURN NEW;
END""",
    "revision_stays": """
BEGIN
  RAISE EXCEPTION 'ledger: a revision is never changed or deleted';
END""",
}
_BEFORE, _ROW, _INSERT, _DELETE, _UPDATE, _TRUNCATE = 2, 1, 4, 8, 16, 32  # pg_trigger.tgtype
TRIGGERS = {
    "revision_follows": ("revision_follows", "INSERT", "ROW", _BEFORE | _ROW | _INSERT),
    "revision_stays": ("revision_stays", "UPDATE OR DELETE", "ROW", _BEFORE | _ROW | _UPDATE | _DELETE),
    "revision_table_stays": ("revision_stays", "TRUNCATE", "STATEMENT", _BEFORE | _TRUNCATE),
}
_PATH = "search_path=pg_catalog, pg_temp"


def put_up(connection: Connection) -> None:
    """Create functions and triggers, in place of what is left of them, and limit what the writing role may do."""
    for name, body in FUNCTIONS.items():
        connection.exec_driver_sql(
            f"CREATE OR REPLACE FUNCTION {SCHEMA}.{name}() RETURNS trigger LANGUAGE plpgsql "
            f"SET search_path = pg_catalog, pg_temp AS $guard${body}$guard$"
        )
    for name, (function, event, level, _) in TRIGGERS.items():
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {SCHEMA}.revision")
        connection.exec_driver_sql(
            f"CREATE TRIGGER {name} BEFORE {event} ON {SCHEMA}.revision FOR EACH {level} "
            f"EXECUTE FUNCTION {SCHEMA}.{function}()"
        )
        connection.exec_driver_sql(f"ALTER TABLE {SCHEMA}.revision ENABLE ALWAYS TRIGGER {name}")
    _limit(connection)


def _limit(connection: Connection) -> None:
    for statement in (
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM PUBLIC, {WRITER}",
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {WRITER}",
        f"GRANT SELECT, INSERT ON {SCHEMA}.revision TO {WRITER}",
        f"GRANT SELECT ON {SCHEMA}.{VERSION_TABLE} TO {WRITER}",
    ):
        connection.exec_driver_sql(statement)


def unguarded(connection: Connection) -> list[str]:
    """Return what of the table, its keys, its triggers and the connected role's limits is missing or altered."""
    query = (
        "SELECT oid, relkind = 'r' AND relpersistence = 'p' AND NOT relrowsecurity AND NOT relhasrules "
        "AND NOT EXISTS (SELECT 1 FROM pg_inherits WHERE pg_class.oid IN (inhrelid, inhparent)) "
        f"FROM pg_class WHERE relname = 'revision' AND relnamespace = to_regnamespace('{SCHEMA}')"
    )
    found = connection.execute(text(query)).one_or_none()
    if found is None:
        return ["the table revision is missing"]
    table, plain = found
    odd = [] if plain else ["the table revision is not a plain, logged table without rules and policies"]
    looked_at = (_columns, _keys, _triggers, _role)
    return [*odd, *(line for look in looked_at for line in look(connection, table))]


def _columns(connection: Connection, table: int) -> Iterator[str]:
    query = (
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull, coalesce(collname, '') FROM pg_attribute "
        "LEFT JOIN pg_collation c ON c.oid = attcollation "
        "WHERE attrelid = :table AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    found = [tuple(row) for row in connection.execute(text(query), {"table": table})]
    expected = [(name, *(("bigint", True, "") if name == "number" else ("text", True, "C"))) for name in COLUMNS]
    if found != expected:
        yield f"the columns of revision are not {', '.join(COLUMNS)} with their types"


def _keys(connection: Connection, table: int) -> Iterator[str]:
    query = (
        "SELECT contype::text, array(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k(number, place) "
        "JOIN pg_attribute ON attrelid = conrelid AND attnum = k.number ORDER BY k.place) FROM pg_constraint "
        "JOIN pg_index ON indexrelid = conindid WHERE conrelid = :table AND indisvalid AND indisunique "
        "AND convalidated AND NOT condeferrable"
    )
    found = {(kind, tuple(columns)) for kind, columns in connection.execute(text(query), {"table": table})}
    for kind, title, columns in (("p", "primary key", PRIMARY), ("u", "unique key", UNIQUE)):
        if (kind, columns) not in found:
            yield f"the {title} ({', '.join(columns)}) is missing"


def _triggers(connection: Connection, table: int) -> Iterator[str]:
    query = (
        "SELECT tgname, proname, tgtype, tgenabled::text, prosrc, "
        f"proconfig = ARRAY['{_PATH}'] AND NOT prosecdef AND tgqual IS NULL AND lanname = 'plpgsql' "
        f"AND pronamespace = to_regnamespace('{SCHEMA}') "
        "FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid JOIN pg_language l ON l.oid = prolang "
        "WHERE tgrelid = :table AND NOT tgisinternal"
    )
    found = {str(row[0]): tuple(row[1:]) for row in connection.execute(text(query), {"table": table})}
    for name, (function, _, _, kind) in TRIGGERS.items():
        if name not in found:
            yield f"the trigger {name} is missing"
        elif found[name][2] != "A":
            yield f"the trigger {name} is switched off, or not always on"
        elif found[name] != (function, kind, "A", FUNCTIONS[function], True):
            yield f"the trigger {name} was altered"
    yield from (f"the trigger {name} is not ours" for name in sorted(found.keys() - TRIGGERS.keys()))


def _role(connection: Connection, table: int) -> Iterator[str]:
    query = (
        "SELECT rolsuper OR pg_has_role(current_user, relowner, 'MEMBER') FROM pg_roles, pg_class "
        "WHERE rolname = current_user AND pg_class.oid = :table"
    )
    if connection.execute(text(query), {"table": table}).scalar_one():
        yield "the connected role owns the table revision"
    query = (
        "SELECT has_table_privilege(CAST(:table AS oid), 'DELETE, TRUNCATE, TRIGGER') "
        "OR has_any_column_privilege(CAST(:table AS oid), 'UPDATE, REFERENCES')"
    )
    if connection.execute(text(query), {"table": table}).scalar_one():
        yield "the connected role may do more with revision than read and insert"
    query = (
        "SELECT has_table_privilege(CAST(:table AS oid), 'SELECT') "
        "AND has_table_privilege(CAST(:table AS oid), 'INSERT')"
    )
    if not connection.execute(text(query), {"table": table}).scalar_one():
        yield "the connected role may not read revision and insert into it"
