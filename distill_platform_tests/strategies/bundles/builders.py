"""Bundles to spoil: the files of a sound run, changed one at a time, and sealed afterwards as if nothing were wrong."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from distill_platform.strategies.bundles.reading import read_bundle
from distill_platform.strategies.bundles.refusal import BundleRefused
from distill_platform.strategies.bundles.sealing import write_bundle
from distill_platform.strategies.bundles.tables import COMPLETE, MANIFEST, TABLES
from distill_platform.testing.bundles import sample_bundle

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 12


@cache
def tables() -> dict[str, pa.Table]:
    """The tables of a short sound run, which nobody changes."""
    return sample_bundle(5, DAYS)[1]


@cache
def _files() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        written = write_bundle(Path(folder), *sample_bundle(5, DAYS))
        return {path.name: path.read_bytes() for path in written.iterdir()}


def sound(inbox: Path, **changes: Any) -> Path:
    """Write a short sound bundle, run-5 unless `changes` name it otherwise."""
    if changes:
        return write_bundle(inbox, *sample_bundle(5, DAYS, **changes))
    folder = inbox / "run-5"
    folder.mkdir(parents=True)
    for name, data in _files().items():
        (folder / name).write_bytes(data)
    return folder


def sums_of(folder: Path) -> dict[str, str]:
    """Return the true hashes of all files but COMPLETE."""
    files = [path for path in sorted(folder.iterdir()) if path.name != COMPLETE and path.is_file()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def sealed(folder: Path) -> Path:
    """Write a true COMPLETE over whatever the folder holds, without asking whether it is any good."""
    (folder / COMPLETE).write_text(json.dumps(sums_of(folder)))
    return folder


def with_manifest(folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """Change the manifest as JSON, and seal."""
    document = json.loads((folder / MANIFEST).read_text())
    change(document)
    (folder / MANIFEST).write_text(json.dumps(document))
    return sealed(folder)


def with_table(folder: Path, name: str, table: pa.Table, **options: Any) -> Path:
    """Replace a table as it is, types and all, and seal."""
    pq.write_table(table, folder / TABLES[name].file, **options)
    return sealed(folder)


def with_column(folder: Path, name: str, column: str, values: Any) -> Path:
    """Replace a column of a table by values of any type, and seal."""
    table = tables()[name]
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    return with_table(folder, name, table.set_column(table.column_names.index(column), column, array))


def with_value(folder: Path, name: str, column: str, row: int, value: Any) -> Path:
    """Replace one value of a table, and seal."""
    table = tables()[name]
    values = table.column(column).to_pylist()
    values[row] = value
    return with_column(folder, name, column, pa.array(values, table.schema.field(column).type))


def refusal_of(folder: Path, **options: Any) -> BundleRefused:
    """Return why a folder is refused; it is an error here if it is not."""
    try:
        read_bundle(folder, now=NOW, **options)
    except BundleRefused as refused:
        return refused
    raise AssertionError("the bundle was taken")
