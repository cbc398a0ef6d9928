"""Turns: entries that are right only after the revision on which they were decided, so one of several writers wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distill_platform.core.errors import LedgerConflict
from distill_platform.store.ledger.ledger import Ledger
from distill_platform.store.ledger.revision import Entry, Revision


def take_turn(
    ledger: Ledger, stream: str, *, after: int, kind: str, body: Mapping[str, Any], actor: str
) -> Revision | None:
    """Return the revision that followed number `after` of the stream; None if another entry took that turn.

    The key is the turn, so the database itself lets one writer win, however many processes try; who lost reads the
    stream again and decides again. Holds for streams all of whose writers take turns. Errors: those of `append`.
    """
    try:
        return ledger.append(Entry(stream, f"turn-{after + 1}", kind, body, actor))
    except LedgerConflict:
        return None
