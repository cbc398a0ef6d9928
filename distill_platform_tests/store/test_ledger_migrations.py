"""Every migration, from every older version, carries all revisions over and leaves the guards up."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from distill_platform.store.ledger import open_ledger, prepare_ledger
from distill_platform.store.ledger.backend import Backend
from distill_platform.store.ledger.migrating import VERSIONS, upgrade
from distill_platform.store.ledger.opening import _backend
from distill_platform.store.ledger.postgres import Postgres
from distill_platform.store.ledger.schema import VERSION
from distill_platform.testing.ledger_contract import STREAM, TickingClock, entry
from distill_platform_tests.store.tampering import execute

ALL = [script.revision for script in ScriptDirectory(str(VERSIONS.parent)).walk_revisions()]
REMAKE = '''
"""Makes the table anew, as Alembic does for most changes of a table in SQLite: the triggers go with the old one."""
from alembic import op
revision, down_revision = "0002", "0001"

def upgrade():
    if op.get_context().dialect.name != "sqlite":
        op.execute("CREATE INDEX revision_kind ON revision (kind)")
        op.execute("DROP TRIGGER revision_stays ON revision")
        op.execute("GRANT UPDATE ON revision TO PUBLIC")
        return
    (made,) = op.get_bind().exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'revision'").one()
    op.execute(made.replace("TABLE revision", "TABLE remade"))
    op.execute("INSERT INTO remade SELECT * FROM revision")
    op.execute("DROP TABLE revision")
    op.execute("ALTER TABLE remade RENAME TO revision")
    left = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'"
    assert op.get_bind().exec_driver_sql(left).scalar_one() == 0
'''


@pytest.fixture
def backend(url: str) -> Iterator[Backend]:
    opened = _backend(url)
    yield opened
    opened.close()


def guards_hold(backend: Backend) -> None:
    with backend.reading() as connection:
        assert backend.unguarded(connection) == []


def owning(backend: Backend) -> AbstractContextManager[Connection]:
    """A transaction with the rights of whoever prepares the ledger."""
    return backend._owner.begin() if isinstance(backend, Postgres) else backend.writing()


def test_the_program_knows_the_newest_version() -> None:
    assert ALL[0] == VERSION
    assert ScriptDirectory(str(VERSIONS.parent)).get_heads() == [VERSION]


@pytest.mark.parametrize("version", ["base", *ALL])
def test_a_ledger_of_any_version_is_brought_to_the_newest_with_its_guards(tmp_path: Path, version: str) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    old = _backend(url)
    with old.writing() as connection:
        if version != "base":
            upgrade(connection, version)
    old.close()
    with open_ledger(url, clock=TickingClock(), anchors=None) as ledger:
        assert ledger.append(entry()).number == 1
        assert ledger.verify() == []


def test_the_guards_stand_after_a_migration_that_makes_the_table_anew(
    url: str, backend: Backend, tmp_path: Path
) -> None:
    with open_ledger(url, clock=TickingClock(), anchors=None) as ledger:
        before = ledger.append_all([entry(number) for number in (1, 2, 3)])
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "v0002_remake.py").write_text(REMAKE)
    with owning(backend) as connection:
        upgrade(connection, versions=(VERSIONS, tmp_path / "versions"))
        assert connection.execute(text("SELECT version_num FROM ledger_version")).scalar_one() == "0002"
    guards_hold(backend)
    execute(url, "UPDATE ledger_version SET version_num = '0001'")
    with open_ledger(url, clock=TickingClock(), anchors=None) as ledger:
        assert ledger.read(STREAM) == before
        with pytest.raises(Exception, match=r"never"):
            execute(url, "UPDATE revision SET body = '{}'")


def test_a_migration_that_fails_changes_nothing(url: str, backend: Backend, tmp_path: Path) -> None:
    prepare_ledger(url)
    (tmp_path / "versions").mkdir()
    failing = REMAKE.replace("        return\n", "        raise RuntimeError('half-way')\n")
    (tmp_path / "versions" / "v0002_remake.py").write_text(failing + "    raise RuntimeError('half-way')\n")
    with (
        pytest.raises(RuntimeError, match="half-way"),
        owning(backend) as connection,
    ):
        upgrade(connection, versions=(VERSIONS, tmp_path / "versions"))
    assert backend.version() == VERSION
    guards_hold(backend)
