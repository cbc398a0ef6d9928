"""A ledger for the reviews' tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_platform.store.ledger import Ledger, open_ledger
from distill_platform.testing.ledger_contract import TickingClock


@pytest.fixture
def ledger_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'db' / 'ledger.sqlite'}"


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """An empty ledger on SQLite, without anchors."""
    with open_ledger(ledger_url, clock=TickingClock(), anchors=None) as opened:
        yield opened
