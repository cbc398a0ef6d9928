"""Opening: from a URL to a ledger that is prepared and guarded, or to an error that says what is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from distill_platform.core.errors import ConfigError, LedgerUnguarded
from distill_platform.store.ledger.anchors import Anchors
from distill_platform.store.ledger.backend import Backend
from distill_platform.store.ledger.ledger import Ledger
from distill_platform.store.ledger.schema import VERSION
from distill_platform.store.ledger.verification import Verification, verify

_FORMS = "Write sqlite:///path/to/ledger.sqlite or postgresql://user:password@host/database"


def open_ledger(url: str, *, clock: Callable[[], datetime], anchors: Path | None) -> Ledger:
    """Return the ledger at `url`, made or migrated first where the URL's role may do that.

    `clock` gives the times of recording, with a zone; `anchors` is the file of anchors, which should not lie where the
    database can be written from, or None for none. Raises LedgerUnguarded when the database would not refuse changes,
    LedgerUnavailable when it does not answer, and ConfigError for a URL that names no ledger.
    """
    backend = _backend(url)
    try:
        _make_ready(backend)
    except BaseException:
        backend.close()
        raise
    return Ledger(backend, clock, Anchors(anchors) if anchors else None)


def prepare_ledger(url: str) -> None:
    """Return when the ledger at `url` has the newest schema and all of its guards, whatever was there before.

    In Postgres the URL's role must own the schema, or be allowed to make it.
    """
    backend = _backend(url)
    try:
        _refuse_newer(backend, backend.version())
        backend.prepare()
        _refuse_unguarded(backend)
    finally:
        backend.close()


def verify_ledger(url: str, *, anchors: Path | None) -> Verification:
    """Return what is wrong with a ledger, which perhaps cannot even be opened; nothing is made or changed."""
    backend = _backend(url)
    try:
        return verify(backend, Anchors(anchors) if anchors else None)
    finally:
        backend.close()


def _make_ready(backend: Backend) -> None:
    version = backend.version()
    _refuse_newer(backend, version)
    if version is None or version < VERSION:
        backend.prepare()
    _refuse_unguarded(backend)


def _refuse_newer(backend: Backend, version: str | None) -> None:
    if version is not None and version > VERSION:
        message = f"{backend.name} has version {version} of the schema, this program knows {VERSION}"
        raise LedgerUnguarded(message, hint="Use the newer program")


def _refuse_unguarded(backend: Backend) -> None:
    with backend.reading() as connection:
        backend.refuse_unguarded(backend.unguarded(connection))


def _backend(url: str) -> Backend:
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        from distill_platform.store.ledger.sqlite import Sqlite

        return Sqlite(Path(str(parsed.database)))
    from distill_platform.store.ledger.postgres import Postgres

    return Postgres(parsed)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError("the ledger's URL is not a URL", hint=_FORMS) from None
    if parsed.drivername == "postgres":
        parsed = parsed.set(drivername="postgresql")
    known = parsed.drivername in ("sqlite", "postgresql", "postgresql+psycopg2")
    if not known or not parsed.database or parsed.database == ":memory:":
        shown = parsed.render_as_string(hide_password=True)
        raise ConfigError(f"{shown} is not a database that can hold a ledger", hint=_FORMS)
    return parsed
