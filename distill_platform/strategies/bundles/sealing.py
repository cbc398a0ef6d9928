"""Sealing: how a run is handed in. Data first, COMPLETE last; what a reader would refuse is refused here already."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from distill_platform.core.canon import sha256_hex
from distill_platform.core.config import nearest
from distill_platform.store.lake import atomic
from distill_platform.store.lake.scratch import scratch_folder
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.completeness import bundle_sha256, to_complete
from distill_platform.strategies.bundles.limits import LIMITS, Limits
from distill_platform.strategies.bundles.manifest import RunManifest
from distill_platform.strategies.bundles.manifest_file import to_manifest_bytes
from distill_platform.strategies.bundles.reading import bundle_of, read_sealed, read_unsealed
from distill_platform.strategies.bundles.refusal import BundleRefused, RefusalReason, shown
from distill_platform.strategies.bundles.tables import COMPLETE, MANIFEST, TABLES, BundleTable

STAGING = ".staging"
_ROW_GROUP = 1_048_576


def write_bundle(inbox: Path, manifest: RunManifest, tables: Mapping[str, pa.Table]) -> Path:
    """Return the folder `<inbox>/<run_id>`, written and sealed: it appears whole, or not at all.

    `tables` are named as in `tables.TABLES`; columns are cast to the declared types. The files' bytes depend on the
    values alone. Raises BundleRefused for what no reader would take and for a run_id that the inbox already has, and
    LakeError when the disk refuses.
    """
    final = inbox / manifest.run_id
    if os.path.lexists(final):
        raise _taken(final)
    files = _files(manifest, tables)
    bundle_of(files, files.__getitem__, "")
    if not publish_files(inbox, manifest.run_id, files.items()):
        raise _taken(final)
    return final


def is_same_run(bundle: Bundle, manifest: RunManifest, tables: Mapping[str, pa.Table]) -> bool:
    """Return whether a bundle says what `write_bundle` would hand in for a run, value for value in every table."""
    found = {name: getattr(bundle, name) for name in TABLES}
    return _files(bundle.manifest, {n: table for n, table in found.items() if table is not None}) == _files(
        manifest, tables
    )


def publish_files(home: Path, name: str, files: Iterable[tuple[str, bytes]]) -> bool:
    """Return whether the folder `<home>/<name>` appeared with these files and COMPLETE; False if it was there before.

    It appears whole or not at all, and what killed processes left half-written is swept. LakeError when the disk
    refuses.
    """
    final = home / name
    with scratch_folder(home / STAGING) as staged, atomic.disk_errors(final):
        sums = {}
        for file, data in files:
            _write(staged / file, data)
            sums[file] = sha256_hex(data)
        _write(staged / COMPLETE, to_complete(sums))
        return not os.path.lexists(final) and atomic.publish_folder(staged, final)


def seal(folder: Path, *, limits: Limits = LIMITS) -> str:
    """Return the bundle's sha256 after writing COMPLETE, with the hash of every file, into a folder made by hand.

    A sealed folder stays as it is, and one that no reader would take is not sealed: BundleRefused says why. COMPLETE is
    there whole or not at all.
    """
    if os.path.lexists(folder / COMPLETE):
        return _sealed_before(folder, limits)
    _, sums = read_unsealed(folder, limits=limits)
    atomic.replace_file(folder / COMPLETE, to_complete(sums))
    return bundle_sha256(sums)


def parquet_bytes(table: pa.Table) -> bytes:
    """Return a table as Parquet, the same bytes for the same values whatever its chunks."""
    sink = pa.BufferOutputStream()
    text = [field.name for field in table.schema if pa.types.is_string(field.type)]
    pq.write_table(
        table.combine_chunks(),
        sink,
        compression="zstd",
        use_dictionary=text or False,
        write_statistics=False,
        store_schema=False,
        row_group_size=_ROW_GROUP,
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _files(manifest: RunManifest, tables: Mapping[str, pa.Table]) -> dict[str, bytes]:
    """Return the bytes of every file of a bundle but COMPLETE, by file name."""
    files = {MANIFEST: to_manifest_bytes(manifest)}
    for name, table in tables.items():
        if name not in TABLES:
            hint = nearest(name, list(TABLES))
            raise BundleRefused(RefusalReason.UNKNOWN_FILE, f"a bundle has no table {shown(name)}", hint=hint)
        files[TABLES[name].file] = parquet_bytes(_cast(table, TABLES[name]))
    return files


def _cast(table: pa.Table, declared: BundleTable) -> pa.Table:
    """Return a table with its declared columns in their order and types; a reader refuses the others."""
    names = [name for name in declared.columns.names if name in table.column_names]
    strangers = [name for name in table.column_names if name not in names]
    try:
        ordered = table.select([*names, *strangers])
        wanted = [declared.columns.field(name) for name in names]
        return ordered.cast(pa.schema([*wanted, *(ordered.schema.field(name) for name in strangers)]))
    except (pa.ArrowException, KeyError) as error:
        message = f"{declared.file}: {error}"
        raise BundleRefused(RefusalReason.COLUMN_TYPE, message, hint="Give columns the declared types") from None


def _write(path: Path, data: bytes) -> None:
    """Write a new file; its bytes are on disk when this returns."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sealed_before(folder: Path, limits: Limits) -> str:
    """Return the hash of a folder that has its seal, once every file is as it says."""
    try:
        return read_sealed(folder, limits=limits).sha256
    except BundleRefused as error:
        error.hint = f"{error.hint}. A seal is not renewed in silence: if the change is meant, remove {COMPLETE} first"
        raise


def _taken(final: Path) -> BundleRefused:
    hint = "A run is handed in once: give another run another run_id, and name this one in `supersedes`"
    return BundleRefused(RefusalReason.DUPLICATE_ID, f"{final.parent} already has {shown(final.name)}", hint=hint)
