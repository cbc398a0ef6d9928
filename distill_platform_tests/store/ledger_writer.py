"""A process that appends to a ledger, and says what it was told is recorded.

Its arguments are a URL, a file of anchors, its name, and how many entries to append.
When the database does not answer it appends the same entry again, as any caller would.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from distill_platform.core.errors import LedgerUnavailable
from distill_platform.store.ledger import Ledger, open_ledger
from distill_platform.testing.ledger_contract import entry

Result = TypeVar("Result")


def insist(attempt: Callable[[], Result]) -> Result:
    """Return what the attempt gives, once the database answers."""
    for _ in range(600):
        try:
            return attempt()
        except LedgerUnavailable:
            time.sleep(0.1)
    raise SystemExit("the database did not come back")


def opened(url: str, anchors: str) -> Ledger:
    return insist(lambda: open_ledger(url, clock=lambda: datetime.now(UTC), anchors=Path(anchors)))


def main(url: str, anchors: str, name: str, count: str) -> None:
    with opened(url, anchors) as ledger:
        for number in range(int(count)):
            wanted = replace(entry(number), key=f"{name}-{number}")
            recorded = insist(lambda wanted=wanted: ledger.append(wanted))
            sys.stdout.write(f"{recorded.key} {recorded.number} {recorded.digest}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
