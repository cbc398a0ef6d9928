"""What a database must offer to hold a ledger; one module per database implements it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError, TimeoutError as PoolTimeout

from distill_platform.core.errors import LedgerDamaged, LedgerError, LedgerUnavailable, LedgerUnguarded

_AGAIN = "Append the same entry again: what was recorded is returned, what was not is recorded"
_PREPARE = "Find out who changed the database, run `distill ledger verify`, then `distill ledger prepare`"
_RIGHTS = "Let its owner run `distill ledger prepare`, and GRANT distill_ledger_writer TO the role that you use"
_INSUFFICIENT_PRIVILEGE = "42501"
_BROKEN = ("malformed", "not a database", "disk image", "decode")


class Backend(ABC):
    """One database that holds a ledger. Everything raises LedgerError when the database does not answer."""

    def __init__(self, name: str) -> None:
        self.name = name  # for messages: where the database is, without a password

    @abstractmethod
    def version(self) -> str | None:
        """Return the version of the ledger's schema, None where there is no ledger yet."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the schema, or bring it to the newest version, and put up its guards; repeating it changes nothing."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction that may append, committed at the end of the context, rolled back on an error."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that sees one state of the ledger."""

    @abstractmethod
    def lock(self, connection: Connection, streams: Collection[str]) -> None:
        """Return when no other writing transaction appends to these streams until this one ends."""

    @abstractmethod
    def lock_all(self, connection: Connection) -> None:
        """Return when no other writing transaction is under way, none starts until this one ends."""

    @abstractmethod
    def unguarded(self, connection: Connection) -> list[str]:
        """Return what of the schema and its guards is missing, switched off or altered; empty when all is there."""

    @abstractmethod
    def flaws(self, connection: Connection) -> list[str]:
        """Return what the database itself finds wrong with how it stores the ledger."""

    @abstractmethod
    def close(self) -> None:
        """Give all connections back."""

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn the database's errors into ours."""
        try:
            yield
        except DBAPIError as error:
            raise _ours(error, self.name) from error
        except PoolTimeout as error:
            raise LedgerUnavailable(f"{self.name}: too many threads wait for a connection", hint=_AGAIN) from error

    def refuse_unguarded(self, missing: Collection[str]) -> None:
        """Raise LedgerUnguarded, which names what is missing, if anything is."""
        if missing:
            message = f"{self.name} does not guard its revisions: {'; '.join(missing)}"
            raise LedgerUnguarded(message, missing=tuple(missing), hint=_PREPARE)


def _ours(error: DBAPIError, name: str) -> LedgerError:
    text = str(error.orig).strip().partition("\n")[0]
    if any(sign in text for sign in _BROKEN):
        return LedgerDamaged(f"{name} is damaged: {text}", hint="Restore it from a copy; keep the damaged one")
    if getattr(error.orig, "pgcode", None) == _INSUFFICIENT_PRIVILEGE:
        return LedgerUnguarded(f"{name}: {text}", missing=(text,), hint=_RIGHTS)
    if isinstance(error, ProgrammingError) or "no such" in text:
        return LedgerUnguarded(f"{name} is not a ledger that may be used: {text}", missing=(text,), hint=_PREPARE)
    if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
        return LedgerUnavailable(f"{name} did not answer: {text}", hint=_AGAIN)
    return LedgerError(f"{name} refused: {text}", hint="Nothing was recorded")
