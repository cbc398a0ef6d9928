"""Arrivals: each entry of the inbox accepted, parked or refused, one by one; none stops the others.

Nothing is deleted or moved: what is parked may be completed, what is refused lies where its maker can look at it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from distill_platform.core.config import nearest
from distill_platform.core.errors import LakeError
from distill_platform.core.utc import from_epoch
from distill_platform.evaluation.inbox.bundle_store import BundleStore
from distill_platform.evaluation.inbox.scanning import FolderState, Found, scan
from distill_platform.strategies.bundles.bundle_folder import Seal, open_folder
from distill_platform.strategies.bundles.reading import read_bundle
from distill_platform.strategies.bundles.refusal import BundleRefused, RefusalReason, shown
from distill_platform.strategies.bundles.tables import COMPLETE


@dataclass(frozen=True)
class Accepted:
    """A bundle seen for the first time, verified and stored; `arrived_at` is when it was sealed, as far as known."""

    run_id: str
    bundle_sha256: str
    arrived_at: datetime


@dataclass(frozen=True)
class Known:
    """A bundle that was taken in before, byte for byte."""

    run_id: str
    bundle_sha256: str


@dataclass(frozen=True)
class Parked:
    """A folder without COMPLETE: still being written, as far as anybody can tell; `seen_at` is when it last changed."""

    name: str
    message: str
    seen_at: datetime
    reason: RefusalReason = RefusalReason.INCOMPLETE


@dataclass(frozen=True)
class Refused:
    """An entry that is not taken as it stands; it counts nowhere."""

    name: str
    reason: RefusalReason
    message: str
    hint: str
    seen_at: datetime


Arrival = Accepted | Known | Parked | Refused


def take_in(
    inbox: Path, store: BundleStore, known: Callable[[str], str | None], worlds: Collection[str], now: datetime
) -> list[Arrival]:
    """Return what became of every entry of the inbox, by name; accepted bundles are in `store` afterwards.

    `known` gives the bundle sha256 that a run_id was taken in with, or None; `worlds` are the configured ids. What
    is known is not read again: its stored copy counts, whatever becomes of the one in the inbox. Raises LakeError when
    the store cannot be written, which is no bundle's fault.
    """
    return [_arrival(found, store, known, worlds, now) for found in scan(inbox)]


def _arrival(
    found: Found, store: BundleStore, known: Callable[[str], str | None], worlds: Collection[str], now: datetime
) -> Arrival:
    try:
        return _taken(found, store, known, worlds, now)
    except BundleRefused as error:
        if error.reason is RefusalReason.INCOMPLETE:
            return Parked(found.name, error.message, _changed_at(found.folder, now))
        name, changed_at = shown_name(found.name), _changed_at(found.folder, now)
        return Refused(name, error.reason, error.message, error.hint, changed_at)
    except LakeError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever one bundle sets off, the others are still taken in
        message = f"{found.name} cannot be read: {type(error).__name__}: {str(error)[:200]}"
        name, hint, changed_at = (
            shown_name(found.name),
            "Report it: this is a bug in distill",
            _changed_at(found.folder, now),
        )
        return Refused(name, RefusalReason.UNREADABLE, message, hint, changed_at)


def _taken(
    found: Found, store: BundleStore, known: Callable[[str], str | None], worlds: Collection[str], now: datetime
) -> Arrival:
    if found.refusal is not None:
        raise found.refusal
    if found.state is FolderState.INCOMPLETE:
        return Parked(found.name, f"{found.name} has no {COMPLETE}", _changed_at(found.folder, now))
    with open_folder(found.folder, store.limits) as opened:
        seal = opened.seal()
    before = known(found.name)
    if before is not None:
        return _known(found, store, seal, before)
    return _accepted(found, store, seal, worlds, now)


def _changed_at(entry: Path, now: datetime) -> datetime:
    """Return when an entry itself last changed, no link followed; now for one that is gone or from the future."""
    try:
        changed = from_epoch(os.lstat(entry).st_mtime)
    except (OSError, ValueError):
        return now
    return min(changed, now)


def _known(found: Found, store: BundleStore, seal: Seal, before: str) -> Known:
    if seal.sha256 != before:
        message = f"run_id {found.name} was taken in with other bytes ({before[:12]}..., now {seal.sha256[:12]}...)"
        hint = "A run is never overwritten: give the new one a run_id of its own, and name the old one in `supersedes`"
        raise BundleRefused(RefusalReason.DUPLICATE_ID, message, hint=hint)
    if before not in store:
        store.put(found.folder)
    return Known(found.name, before)


def _accepted(found: Found, store: BundleStore, seal: Seal, worlds: Collection[str], now: datetime) -> Accepted:
    bundle = read_bundle(found.folder, now=now, limits=store.limits)
    manifest = bundle.manifest
    if manifest.world_id not in worlds:
        message = f"run_manifest.json: world_id: there is no world {shown(manifest.world_id)}"
        raise BundleRefused(RefusalReason.UNKNOWN_WORLD, message, hint=nearest(manifest.world_id, list(worlds)))
    if not bundle.sha256 == seal.sha256 == store.put(found.folder):
        message = f"{found.name} changed while it was read"
        raise BundleRefused(RefusalReason.HASH_MISMATCH, message, hint="A sealed folder is left alone")
    return Accepted(found.name, bundle.sha256, min(now, max(seal.written_at, manifest.as_of)))


def shown_name(name: str) -> str:
    """Return an entry's name as text that any file can hold."""
    return name if name.isascii() and name.isprintable() else shown(name)
