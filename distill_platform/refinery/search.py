"""Search: where rows with a given id, or with the start of one, lie in the lake."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from distill_platform.core.errors import CorruptDataset, MissingDataset
from distill_platform.refinery.release import layout, list_releases
from distill_platform.refinery.schemas import CORPORA
from distill_platform.store.lake import Dataset, Lake, Part, read_part

SHORTEST = 8
_ID = re.compile(rf"[0-9a-f]{{{SHORTEST},64}}")


class UnknownRow(MissingDataset):
    """No row of the lake, or more than one, has an id that starts like this."""


@dataclass(frozen=True)
class Place:
    """One row of one table of a published partition."""

    dataset: Dataset
    table: str
    part: Part
    index: int
    id: str

    @property
    def name(self) -> str:
        """Return `dataset[partition]`, or the name of a release."""
        manifest = self.dataset.manifest
        return f"release {manifest.version}" if self.in_release else f"{manifest.dataset}[{self.partition}]"

    @property
    def in_release(self) -> bool:
        """Return whether the row lies in a release, which stays as it is whatever becomes of its inputs."""
        return self.dataset.manifest.dataset == layout.DATASET

    @property
    def corpus(self) -> str:
        """Return the corpus an exported row belongs to; empty for any other row."""
        if self.in_release:
            return layout.CORPUS_OF[self.table.partition("/")[0]]
        return self.dataset.manifest.dataset if self.table == "samples" else ""

    @property
    def partition(self) -> str:
        """Return the partition the row lies in."""
        return self.dataset.manifest.partition

    @property
    def path(self) -> Path:
        """Return the file the row lies in."""
        return self.dataset.folder / self.part.path

    @cached_property
    def row(self) -> pa.Table:
        """Return the row, as a table of one row."""
        return _read_row(self.path, self.index)

    @cached_property
    def values(self) -> dict[str, Any]:
        """Return the row as plain values."""
        row: dict[str, Any] = self.row.to_pylist()[0]
        return row


def _read_row(path: Path, index: int) -> pa.Table:
    """Return one row, reading no more than the group of rows it lies in."""
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if index < rows:
                    return file.read_row_group(group).slice(index, 1)
                index -= rows
    except (OSError, pa.ArrowException) as error:
        raise CorruptDataset(f"{path} cannot be read: {error}", hint="Run the day again") from error
    raise CorruptDataset(f"{path} has fewer rows than its manifest says", hint="Run the day again")


def clean_id(asked: str) -> str:
    """Return an id as it is stored; UnknownRow for what cannot be one."""
    wanted = asked.strip().lower()
    if not _ID.fullmatch(wanted):
        hint = f"Give {SHORTEST} to 64 hexadecimal digits: the whole id or the start of it"
        raise UnknownRow(f"{asked[:80]!r} is not an id", hint=hint)
    return wanted


def find(
    lake: Lake, dataset: str, table: str, column: str, start: str, partition: str | None = None
) -> Iterator[Place]:
    """Yield the rows whose `column` starts like this (dotted: inside a struct), in all partitions or one."""
    for name in [partition] if partition is not None else lake.partitions(dataset):
        if lake.manifest(dataset, name) is not None:
            yield from find_in(lake.inspect(dataset, name), table, column, start)


def find_in(dataset: Dataset, table: str, column: str, start: str) -> Iterator[Place]:
    """Yield the rows of one opened dataset whose `column` starts like this."""
    for part in dataset.manifest.tables[table].parts:
        if not part.path.endswith(".parquet"):
            continue
        values = _column(dataset.folder / part.path, column)
        for index in pc.indices_nonzero(pc.fill_null(pc.starts_with(values, start), False)).to_pylist():
            yield Place(dataset, table, part, index, values[index].as_py())


def _column(path: Path, column: str) -> pa.ChunkedArray:
    outer, _, inner = column.partition(".")
    values = read_part(path, [column])[outer]
    return pc.struct_field(values, inner) if inner else values


def find_any(lake: Lake, start: str) -> list[Place]:
    """Return every row that has the one id which starts like this: exported, evidence, or a source line.

    Raises UnknownRow when no row has such an id, or when the start is that of several.
    """
    places = [*_exported(lake, start), *find(lake, "evidence", "records", "evidence_id", start)]
    for table in ("quarantine", "records"):
        places += find(lake, "evidence", table, "provenance.raw_sha256", start)
    if not places:
        hint = "Take an id from a corpus (id), from the evidence (evidence_id), or the raw_sha256 of a source line"
        raise UnknownRow(f"no row in {lake.root} has an id that starts with {start}", hint=hint)
    _refuse_several(places, start)
    return places


def _exported(lake: Lake, start: str) -> Iterator[Place]:
    """Yield exported rows: those of the days first, then those of the releases."""
    for corpus in CORPORA:
        yield from find(lake, corpus, "samples", "id", start)
    for release in list_releases(lake):
        if release.manifest is not None:
            dataset = Dataset(release.manifest, release.folder)
            for config, split in product(layout.CORPUS_OF, layout.SPLITS):
                yield from find_in(dataset, layout.rows_table(config, split), "id", start)


def _refuse_several(places: Iterable[Place], start: str) -> None:
    owners = {place.id: place.name for place in places}
    if len(owners) > 1:
        shown = ", ".join(f"{found[:16]} in {name}" for found, name in sorted(owners.items())[:5])
        raise UnknownRow(f"{len(owners)} ids start with {start}: {shown}", hint="Give more of its digits")
