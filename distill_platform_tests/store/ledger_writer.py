"""A process that appends to a ledger, and says what it was told is recorded.

Its arguments are a URL, a file of anchors, its name, and how many entries to append.
When the database does not answer it appends the same entry again, as any caller would.
"""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from distill_platform.core.errors import LedgerUnavailable
from distill_platform.store.ledger import Ledger, Revision, open_ledger
from distill_platform.testing.ledger_contract import entry


def insist(ledger: Ledger, key: str) -> Revision:
    number = int(key.rpartition("-")[2])
    wanted = entry(number)
    for _ in range(600):
        try:
            return ledger.append(type(wanted)(wanted.stream, key, wanted.kind, wanted.body, wanted.actor))
        except LedgerUnavailable:
            time.sleep(0.1)
    raise SystemExit("the database did not come back")


def main(url: str, anchors: str, name: str, count: str) -> None:
    with open_ledger(url, clock=lambda: datetime.now(UTC), anchors=Path(anchors)) as ledger:
        for number in range(int(count)):
            recorded = insist(ledger, f"{name}-{number}")
            sys.stdout.write(f"{recorded.key} {recorded.number} {recorded.digest}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
