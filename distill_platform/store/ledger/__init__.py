"""The ledger: append-only streams of revisions in one table of SQLite or Postgres, chained and anchored."""

from distill_platform.store.ledger.export import ExportedPart, export_closed_days
from distill_platform.store.ledger.ledger import Ledger
from distill_platform.store.ledger.opening import open_ledger, prepare_ledger, verify_ledger
from distill_platform.store.ledger.revision import Entry, Head, Revision
from distill_platform.store.ledger.streams import STREAMS, check_stream
from distill_platform.store.ledger.turns import take_turn
from distill_platform.store.ledger.verification import Finding, Flaw, Verification

__all__ = [
    "STREAMS",
    "Entry",
    "ExportedPart",
    "Finding",
    "Flaw",
    "Head",
    "Ledger",
    "Revision",
    "Verification",
    "check_stream",
    "export_closed_days",
    "open_ledger",
    "prepare_ledger",
    "take_turn",
    "verify_ledger",
]
