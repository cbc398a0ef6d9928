"""SQLite and Postgres keep the contract that ships with the platform."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_platform.store.ledger import Ledger, open_ledger
from distill_platform.testing.ledger_contract import LedgerContract, Sql, TickingClock
from distill_platform_tests.store.conftest import run_sql


class TestSqlite(LedgerContract):
    @pytest.fixture
    def ledger(self, sqlite_url: str, anchors: Path, clock: TickingClock) -> Iterator[Ledger]:
        with open_ledger(sqlite_url, clock=clock, anchors=anchors) as ledger:
            yield ledger

    @pytest.fixture
    def sql(self, sqlite_url: str) -> Sql:
        def run(statement: str) -> None:
            with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
                connection.execute(statement)
            connection.close()

        return run


class TestPostgres(LedgerContract):
    @pytest.fixture
    def ledger(self, postgres_url: str, anchors: Path, clock: TickingClock) -> Iterator[Ledger]:
        with open_ledger(postgres_url, clock=clock, anchors=anchors) as ledger:
            yield ledger

    @pytest.fixture(params=["SET ROLE distill_ledger_writer", "SET ROLE NONE"])
    def sql(self, postgres_url: str, request: pytest.FixtureRequest) -> Sql:
        """With the rights of the ledger, and with those of the table's owner, who is a superuser here."""
        settings = (request.param, "SET search_path = distill_ledger")
        return lambda statement: run_sql(postgres_url, *settings, statement)
