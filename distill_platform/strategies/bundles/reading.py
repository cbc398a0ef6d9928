"""Reading: a sealed folder becomes a bundle in memory, or is refused with the reason, the place and what to do."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from distill_platform.core.canon import sha256_hex
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.bundle_folder import BundleFolder, Seal, open_folder
from distill_platform.strategies.bundles.completeness import bundle_sha256
from distill_platform.strategies.bundles.limits import LIMITS, Limits
from distill_platform.strategies.bundles.manifest_file import parse_manifest
from distill_platform.strategies.bundles.manifest_soundness import refuse_future, refuse_unsound_manifest
from distill_platform.strategies.bundles.parquet_files import read_table
from distill_platform.strategies.bundles.refusal import BundleRefused, RefusalReason, shown
from distill_platform.strategies.bundles.table_soundness import refuse_unsound_tables
from distill_platform.strategies.bundles.tables import COMPLETE, MANIFEST, TABLES


def read_bundle(folder: Path, *, now: datetime, limits: Limits = LIMITS) -> Bundle:
    """Return the bundle in `folder`, whose name is its run_id, as it was sealed.

    Every file is read once, hashed, and parsed from the very bytes that were hashed. Raises BundleRefused, with reason
    `incomplete` alone while there is no COMPLETE; `now` bounds `as_of`.
    """
    bundle = read_sealed(folder, limits=limits)
    refuse_misnamed(folder.name, bundle)
    refuse_future(bundle.manifest, now)
    return bundle


def read_sealed(folder: Path, *, limits: Limits = LIMITS) -> Bundle:
    """Return `read_bundle` of a folder that need not be named after its run, without asking for the time."""
    with open_folder(folder, limits) as opened:
        seal = opened.seal()
        return bundle_of(seal.sums, _verified_by(opened, seal), seal.sha256, limits)


def read_unsealed(folder: Path, *, limits: Limits = LIMITS) -> tuple[Bundle, dict[str, str]]:
    """Return the bundle in a folder as it would be sealed now, and the SHA-256 of every file; any COMPLETE is ignored.

    Raises BundleRefused for what no reader would take once it is sealed.
    """
    sums: dict[str, str] = {}
    with open_folder(folder, limits) as opened:

        def read(name: str) -> bytes:
            data = opened.read(name)
            sums[name] = sha256_hex(data)
            return data

        bundle = bundle_of(opened.names() - {COMPLETE}, read, "", limits)
    return replace(bundle, sha256=bundle_sha256(sums)), sums


def bundle_of(names: Collection[str], read: Callable[[str], bytes], sha256: str, limits: Limits = LIMITS) -> Bundle:
    """Return the bundle whose files `read` gives by name; BundleRefused for what no reader takes."""
    if MANIFEST not in names:
        raise _missing(MANIFEST)
    manifest = parse_manifest(read(MANIFEST))
    refuse_unsound_manifest(manifest)
    tables = {
        key: read_table(read(declared.file), declared, limits)
        for key, declared in TABLES.items()
        if declared.file in names
    }
    for key, declared in TABLES.items():
        if declared.required and key not in tables:
            raise _missing(declared.file)
    refuse_unsound_tables(manifest, tables)
    optional = {key: tables.get(key) for key, declared in TABLES.items() if not declared.required}
    return Bundle(manifest, tables["steps"], sha256=sha256, **optional)


def refuse_misnamed(name: str, bundle: Bundle) -> None:
    """Raise BundleRefused(`name_mismatch`) unless a folder's name is the run_id of the bundle in it."""
    if name != bundle.manifest.run_id:
        message = f"the folder is called {shown(name)}, its run_id is {shown(bundle.manifest.run_id)}"
        hint = "Rename the folder; they must be the same to the letter"
        raise BundleRefused(RefusalReason.NAME_MISMATCH, message, hint=hint)


def _verified_by(opened: BundleFolder, seal: Seal) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        return opened.verified(name, seal)

    return read


def _missing(name: str) -> BundleRefused:
    return BundleRefused(RefusalReason.MISSING_FILE, f"{name} is missing", hint="Every bundle has it")
