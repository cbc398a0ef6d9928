"""A ledger whose database no longer refuses changes is not opened, and what is missing is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_platform.core.errors import ConfigError, LedgerError, LedgerUnavailable, LedgerUnguarded
from distill_platform.store.ledger import Flaw, Ledger, open_ledger, prepare_ledger, verify_ledger
from distill_platform.testing.ledger_contract import TickingClock, entry
from distill_platform_tests.store.conftest import run_sql
from distill_platform_tests.store.tampering import execute

_TYPES = "stream TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, "
_MORE = "actor TEXT NOT NULL, recorded_at TEXT NOT NULL, prev TEXT NOT NULL, digest TEXT NOT NULL"
_KEYS = ", PRIMARY KEY (stream, number), UNIQUE (stream, key)"
SQLITE = {
    "a dropped trigger": ("DROP TRIGGER revision_follows", "the trigger revision_follows is missing"),
    "another one": ("DROP TRIGGER revision_stays", "the trigger revision_stays is missing"),
    "the third": ("DROP TRIGGER revision_remains", "the trigger revision_remains is missing"),
    "a trigger of somebody else": (
        "CREATE TRIGGER extra AFTER INSERT ON Revision BEGIN SELECT 1; END",
        "the trigger extra is not ours",
    ),
    "a column more": ("ALTER TABLE revision ADD COLUMN extra TEXT", "the columns of revision are not"),
    "a column less": ("ALTER TABLE revision RENAME COLUMN body TO text", "the columns of revision are not"),
    "no table": ("DROP TABLE revision", "the table revision is missing"),
}
SQLITE_TABLES = {
    "with row ids": (f"({_TYPES}{_MORE}{_KEYS}) STRICT", "is not strict, or has row ids"),
    "not strict": (f"({_TYPES}{_MORE}{_KEYS}) WITHOUT ROWID", "is not strict, or has row ids"),
    "no unique key": (
        f"({_TYPES}{_MORE}, PRIMARY KEY (stream, number)) STRICT, WITHOUT ROWID",
        "the unique key (stream, key) is missing",
    ),
    "a key that ignores case": (
        f"({_TYPES}{_MORE}, PRIMARY KEY (stream, number), UNIQUE (stream, key COLLATE NOCASE)) STRICT, WITHOUT ROWID",
        "the unique key (stream, key) is missing",
    ),
    "another primary key": (
        f"({_TYPES}{_MORE}, PRIMARY KEY (number, stream), UNIQUE (stream, key)) STRICT, WITHOUT ROWID",
        "the primary key (stream, number) is missing",
    ),
    "bodies that may be missing": (
        f"({_TYPES.replace('body TEXT NOT NULL', 'body TEXT')}{_MORE}{_KEYS}) STRICT, WITHOUT ROWID",
        "the columns of revision are not",
    ),
}
POSTGRES = {
    "a dropped trigger": ("DROP TRIGGER revision_stays ON revision", "the trigger revision_stays is missing"),
    "a trigger switched off": (
        "ALTER TABLE revision DISABLE TRIGGER revision_table_stays",
        "the trigger revision_table_stays is switched off",
    ),
    "a trigger that replicas skip": (
        "ALTER TABLE revision ENABLE TRIGGER revision_stays",
        "the trigger revision_stays is switched off, or not always on",
    ),
    "a trigger for replicas only": (
        "ALTER TABLE revision ENABLE REPLICA TRIGGER revision_follows",
        "the trigger revision_follows is switched off, or not always on",
    ),
    "a function that does nothing": (
        "CREATE OR REPLACE FUNCTION revision_stays() RETURNS trigger LANGUAGE plpgsql "
        "SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NEW; END'",
        "the trigger revision_stays was altered",
    ),
    "a function with another search path": (
        "ALTER FUNCTION revision_follows() SET search_path = public",
        "the trigger revision_follows was altered",
    ),
    "a trigger of somebody else": (
        "CREATE TRIGGER extra AFTER INSERT ON revision EXECUTE FUNCTION revision_stays()",
        "the trigger extra is not ours",
    ),
    "no unique key": (
        "ALTER TABLE revision DROP CONSTRAINT revision_stream_key_key",
        "the unique key (stream, key) is missing",
    ),
    "no primary key": (
        "ALTER TABLE revision DROP CONSTRAINT revision_pkey",
        "the primary key (stream, number) is missing",
    ),
    "a column more": ("ALTER TABLE revision ADD COLUMN extra text", "the columns of revision are not"),
    "a column that may be missing": (
        "ALTER TABLE revision ALTER COLUMN body DROP NOT NULL",
        "the columns of revision are not",
    ),
    "a column in another order of letters": (
        'ALTER TABLE revision ALTER COLUMN stream TYPE text COLLATE "default"',
        "the columns of revision are not",
    ),
    "a table that a crash empties": ("ALTER TABLE revision SET UNLOGGED", "is not a plain, logged table"),
    "a policy that hides rows": ("ALTER TABLE revision ENABLE ROW LEVEL SECURITY", "is not a plain, logged table"),
    "a rule that drops what is inserted": (
        "CREATE RULE nothing AS ON INSERT TO revision DO INSTEAD NOTHING",
        "is not a plain, logged table",
    ),
    "a child table": ("CREATE TABLE child () INHERITS (revision)", "is not a plain, logged table"),
    "a right to change": ("GRANT UPDATE ON revision TO distill_ledger_writer", "may do more with revision"),
    "a right to change a column": (
        "GRANT UPDATE (body) ON revision TO distill_ledger_writer",
        "may do more with revision",
    ),
    "a right that everybody has": ("GRANT TRUNCATE ON revision TO PUBLIC", "may do more with revision"),
    "a table that the writer owns": (
        "ALTER TABLE revision OWNER TO distill_ledger_writer",
        "the connected role owns the table revision",
    ),
    "no right to read": ("REVOKE SELECT ON revision FROM distill_ledger_writer", "may not read revision"),
    "no table": ("DROP TABLE revision", "the table revision is missing"),
}


def assert_refused(url: str, what: str, said: str) -> None:
    """The ledger is not opened, verify says the same, and `prepare` mends what can be mended without losing rows."""
    with pytest.raises(LedgerUnguarded) as caught:
        open_ledger(url, clock=TickingClock(), anchors=None)
    assert any(said in missing for missing in caught.value.missing)
    assert "distill ledger prepare" in caught.value.hint
    found = verify_ledger(url, anchors=None).findings
    assert any(finding.flaw is Flaw.UNGUARDED and said in finding.message for finding in found)


@pytest.fixture
def made(url: str) -> str:
    """The URL of a ledger with three revisions."""
    with open_ledger(url, clock=TickingClock(), anchors=None) as ledger:
        ledger.append_all([entry(number) for number in (1, 2, 3)])
    return url


@pytest.mark.parametrize("what", SQLITE)
def test_sqlite_without_one_of_its_guards_is_refused(sqlite_url: str, what: str) -> None:
    prepare_ledger(sqlite_url)
    statement, said = SQLITE[what]
    execute(sqlite_url, statement)
    assert_refused(sqlite_url, what, said)


@pytest.mark.parametrize("what", SQLITE_TABLES)
def test_sqlite_with_another_table_is_refused(sqlite_url: str, what: str) -> None:
    prepare_ledger(sqlite_url)
    table, said = SQLITE_TABLES[what]
    execute(sqlite_url, "DROP TABLE revision", f"CREATE TABLE revision {table}")
    assert_refused(sqlite_url, what, said)


def test_an_altered_trigger_of_sqlite_is_refused(sqlite_url: str) -> None:
    prepare_ledger(sqlite_url)
    altered = "CREATE TRIGGER revision_stays BEFORE UPDATE ON revision WHEN 0 BEGIN SELECT RAISE(ABORT, 'x'); END"
    execute(sqlite_url, "DROP TRIGGER revision_stays", altered)
    assert_refused(sqlite_url, "altered", "the trigger revision_stays was altered")


@pytest.mark.parametrize("what", POSTGRES)
def test_postgres_without_one_of_its_guards_is_refused(postgres_url: str, what: str) -> None:
    prepare_ledger(postgres_url)
    statement, said = POSTGRES[what]
    try:
        execute(postgres_url, statement)
        assert_refused(postgres_url, what, said)
    finally:
        run_sql(postgres_url, "DROP SCHEMA distill_ledger CASCADE")


@pytest.mark.parametrize(
    ("sqlite", "postgres"),
    [
        ("DROP TRIGGER revision_stays", "DROP TRIGGER revision_stays ON revision"),
        ("DROP TRIGGER revision_follows", "ALTER TABLE revision DISABLE TRIGGER ALL"),
        ("DROP TRIGGER revision_remains", "GRANT UPDATE, DELETE ON revision TO PUBLIC"),
    ],
)
def test_guards_that_were_taken_down_are_put_up_again_by_prepare_alone(made: str, sqlite: str, postgres: str) -> None:
    execute(made, sqlite if made.startswith("sqlite") else postgres)
    with pytest.raises(LedgerUnguarded):
        open_ledger(made, clock=TickingClock(), anchors=None)
    prepare_ledger(made)
    with open_ledger(made, clock=TickingClock(), anchors=None) as ledger:
        assert ledger.append(entry(4)).number == 4
        assert ledger.verify() == []


def test_preparing_again_changes_nothing(made: str) -> None:
    with open_ledger(made, clock=TickingClock(), anchors=None) as ledger:
        before = ledger.heads()
        prepare_ledger(made)
        assert ledger.heads() == before


def test_a_ledger_of_a_newer_program_is_refused(made: str) -> None:
    execute(made, "UPDATE ledger_version SET version_num = '9999'")
    for use in (lambda: open_ledger(made, clock=TickingClock(), anchors=None), lambda: prepare_ledger(made)):
        with pytest.raises(LedgerUnguarded, match="has version 9999 of the schema"):
            use()
    assert [finding.flaw for finding in verify_ledger(made, anchors=None).findings] == [Flaw.UNGUARDED]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///",
        "mysql://host/db",
        "postgresql://host:99999999/x",
    ],
)
def test_a_url_that_names_no_ledger_is_bad_configuration(url: str) -> None:
    with pytest.raises((ConfigError, LedgerUnavailable)):
        open_ledger(url, clock=TickingClock(), anchors=None)


def test_no_error_shows_a_password() -> None:
    for url in ("postgresql://me:s3cret@127.0.0.1:1/none", "mysql://me:s3cret@host/db"):
        with pytest.raises((ConfigError, LedgerUnavailable)) as caught:
            open_ledger(url, clock=TickingClock(), anchors=None)
        assert "s3cret" not in str(caught.value)


def test_a_place_where_no_file_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in ("file/ledger.sqlite", "file/deeper/ledger.sqlite"):
        with pytest.raises(LedgerError, match=r"ledger\.sqlite"):
            open_ledger(f"sqlite:///{tmp_path / path}", clock=TickingClock(), anchors=None)


class TestRolesOfPostgres:
    """One role may do everything for a small user; in production the owner prepares and another role writes."""

    @pytest.fixture
    def roles(self, postgres_url: str) -> Iterator[str]:
        """A database `ledger_roles` of the ordinary role `distill_test_owner`, and the role `distill_test_app`."""
        run_sql(
            postgres_url,
            "CREATE ROLE distill_test_owner LOGIN",
            "CREATE ROLE distill_test_app LOGIN",
            "CREATE DATABASE ledger_roles OWNER distill_test_owner",
        )
        prepare_ledger(postgres_url)  # makes the writing role, which all databases of a server share
        yield postgres_url.replace("/postgres?", "/ledger_roles?")
        run_sql(
            postgres_url,
            "DROP DATABASE ledger_roles",
            "DROP ROLE distill_test_owner",
            "DROP ROLE distill_test_app",
        )

    @staticmethod
    def as_role(url: str, role: str) -> str:
        return url.replace("//postgres:@", f"//{role}@")

    def test_one_ordinary_role_that_may_make_roles_is_enough(self, roles: str) -> None:
        run_sql(roles, "GRANT distill_ledger_writer TO distill_test_owner WITH ADMIN OPTION")
        url = self.as_role(roles, "distill_test_owner")
        with open_ledger(url, clock=TickingClock(), anchors=None) as ledger:
            ledger.append(entry())
            with pytest.raises(Exception, match="never changed"):
                execute(url, "UPDATE revision SET body = '{}'")

    def test_the_owner_prepares_and_a_role_that_may_do_nothing_else_writes(self, roles: str) -> None:
        app = self.as_role(roles, "distill_test_app")
        with pytest.raises(LedgerUnguarded, match="permission denied"):
            open_ledger(app, clock=TickingClock(), anchors=None)
        prepare_ledger(roles)
        with pytest.raises(LedgerUnguarded, match="permission denied") as caught:
            open_ledger(app, clock=TickingClock(), anchors=None)
        assert "GRANT distill_ledger_writer TO" in caught.value.hint
        run_sql(roles, "GRANT distill_ledger_writer TO distill_test_app")
        with open_ledger(app, clock=TickingClock(), anchors=None) as ledger:
            ledger.append(entry())
            assert ledger.verify() == []
        for statement in ("UPDATE revision SET body = '{}'", "DROP TABLE revision", "TRUNCATE revision"):
            with pytest.raises(Exception, match=r"permission denied|must be owner"):
                execute(app, statement)
        with pytest.raises(LedgerUnguarded, match=r"must be owner|permission denied"):
            prepare_ledger(app)


def test_an_open_ledger_says_that_its_database_is_gone(opened: Ledger, url: str) -> None:
    if url.startswith("sqlite"):
        execute(url, "DROP TABLE revision")
    else:
        execute(url, "DROP SCHEMA distill_ledger CASCADE")
    with pytest.raises(LedgerUnguarded, match="revision"):
        opened.append(entry())
