"""The chain: which revisions entries become, given what their streams hold already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from distill_platform.core.errors import LedgerConflict, LedgerDamaged
from distill_platform.store.ledger.revision import Entry, Head, Revision, intact, successor

Key = tuple[str, str]


@dataclass(frozen=True)
class Extension:
    """What appending entries comes to: one revision per entry, old or new, and the new ones among them in order."""

    revisions: list[Revision] = field(default_factory=list)
    new: list[Revision] = field(default_factory=list)


def extend(
    entries: Iterable[tuple[Entry, str]], heads: Mapping[str, Head], taken: Mapping[Key, Revision], moment: str
) -> Extension:
    """Return what entries, each with its body's canonical text, become after the `heads` of their streams.

    A key that is `taken`, or was used by an earlier one of these entries, gives its old revision when kind and body
    are the same, and LedgerConflict when they are not.
    """
    last, known, extension = dict(heads), dict(taken), Extension()
    for entry, text in entries:
        key = (entry.stream, entry.key)
        if key not in known:
            known[key] = successor(entry, text, last.get(entry.stream), moment)
            last[entry.stream] = known[key].head
            extension.new.append(known[key])
        if (known[key].kind, known[key].text) != (entry.kind, text):
            raise LedgerConflict(*key)
        extension.revisions.append(known[key])
    return extension


def linked(revisions: Iterable[Revision], after: int) -> list[Revision]:
    """Return stored revisions of one stream as a list; LedgerDamaged unless they are the unbroken chain after `after`.

    The link of the first one to revision `after` itself is not looked at.
    """
    chain: list[Revision] = []
    for revision in map(intact, revisions):
        before = chain[-1].head if chain else Head(revision.stream, after, revision.prev)
        if (revision.number, revision.prev) != (before.number + 1, before.digest):
            message = f"revision {revision.number} of {revision.stream} does not follow revision {before.number}"
            raise LedgerDamaged(message, hint="`distill ledger verify` says what else is wrong")
        chain.append(revision)
    return chain
