"""The lake itself: drafts that become datasets, and the gate at whoever reads them."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from distill_platform.core.errors import CorruptDataset, GateRefused, MissingDataset, StaleInput
from distill_platform.store.lake import atomic
from distill_platform.store.lake.manifest import (
    ABSENT,
    Check,
    Counts,
    Input,
    Manifest,
    Part,
    TableEntry,
    read_manifest,
    version_of,
)
from distill_platform.store.lake.parts import file_sha256, read_part
from distill_platform.store.lake.scratch import scratch_folder

MANIFEST = "MANIFEST.json"
FAILED = "FAILED.json"
_STAGING = ".staging"
_AGAIN = "Materialize the partition again"


class Lake:
    """A folder of published datasets: `<root>/<dataset>/<partition>/<version>/<table>/part-*.parquet`.

    Only what a MANIFEST.json names exists for readers. Versions are named after their bytes, so publishing the same
    bytes again writes nothing, and two processes on one partition cannot disturb each other.
    """

    def __init__(self, root: Path, *, on_step: atomic.Step = atomic.no_step) -> None:
        self.root = root
        self.on_step = on_step
        self._verified: dict[tuple[str, int, int], str] = {}

    def folder(self, dataset: str, partition: str) -> Path:
        """Return the folder of one partition."""
        return self.root / dataset / partition

    @contextmanager
    def draft(self, dataset: str, partition: str) -> Iterator[Draft]:
        """Open a private folder for one partition; what is not published when it closes is gone."""
        with self.staging() as folder:
            yield Draft(self, dataset, partition, folder)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Open a private scratch folder in the lake; leftovers of killed processes are swept first."""
        with scratch_folder(self.root / _STAGING) as folder:
            yield folder

    def manifest(self, dataset: str, partition: str) -> Manifest | None:
        """Return the published manifest, or None where nothing was published."""
        path = self.folder(dataset, partition) / MANIFEST
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        return read_manifest(data, str(path))

    def partitions(self, dataset: str) -> list[str]:
        """Return the published partitions of a dataset, sorted."""
        return sorted(path.parent.name for path in (self.root / dataset).glob(f"*/{MANIFEST}"))

    def open(self, dataset: str, partition: str) -> Dataset:
        """Return a dataset that may be read: published, passed, made from inputs that are still current, intact.

        Raises MissingDataset, GateRefused, StaleInput or CorruptDataset; this is the gate that no selection of assets
        goes around.
        """
        opened = self.inspect(dataset, partition)
        place = f"{dataset}[{partition}]"
        failed = self.folder(dataset, partition) / FAILED
        if failed.exists():
            raise GateRefused(f"the last run of {place} failed: {failed.read_text()[:500]}", hint=_AGAIN)
        if not opened.manifest.passed:
            errors = "; ".join(opened.manifest.errors) or "it was never checked"
            raise GateRefused(f"{place} has not passed its gates: {errors}", hint="Mend the cause, then materialize it")
        self._refuse_stale(opened.manifest, place)
        self._verify(opened)
        return opened

    def inspect(self, dataset: str, partition: str) -> Dataset:
        """Return a dataset whatever its verdict, for people and checks; nothing that trains may use it."""
        manifest = self.manifest(dataset, partition)
        if manifest is None:
            hint = f"Materialize {dataset} for {partition} first"
            raise MissingDataset(f"{dataset}[{partition}] was never published in {self.root}", hint=hint)
        return Dataset(manifest, self.folder(dataset, partition) / manifest.version)

    def mark_failed(self, dataset: str, partition: str, message: str) -> None:
        """Say that the newest attempt at a partition failed, so that nobody reads the older state as current."""
        if (self.folder(dataset, partition) / MANIFEST).exists():
            atomic.replace_file(self.folder(dataset, partition) / FAILED, message.encode("utf-8", "replace"))

    def mark_mended(self, dataset: str, partition: str) -> None:
        """Take back that the newest attempt failed: a later one succeeded."""
        (self.folder(dataset, partition) / FAILED).unlink(missing_ok=True)

    def _refuse_stale(self, manifest: Manifest, place: str) -> None:
        for name, read in manifest.inputs.items():
            dataset, _, partition = name.partition("/")
            current = self.manifest(dataset, partition) if partition else None
            if partition and (current.version if current else ABSENT.version) != read.version:
                raise StaleInput(f"{place} was made from an older {name}", hint=_AGAIN)

    def _verify(self, opened: Dataset) -> None:
        for entry in opened.manifest.tables.values():
            for part in entry.parts:
                if self._sha256(opened.folder / part.path) != part.sha256:
                    raise CorruptDataset(f"{opened.folder / part.path} was changed after it was published", hint=_AGAIN)

    def trust(self, folder: Path, manifest: Manifest) -> None:
        """Take the hashes of files that this process has just written and hashed for verified."""
        for part in (part for entry in manifest.tables.values() for part in entry.parts):
            state = (folder / part.path).stat()
            self._verified[(str(folder / part.path), state.st_size, state.st_mtime_ns)] = part.sha256

    def _sha256(self, path: Path) -> str:
        """Return a file's hash; a file that has not changed since this process hashed it is not read again."""
        try:
            state = path.stat()
        except FileNotFoundError:
            raise CorruptDataset(f"{path} is missing", hint=_AGAIN) from None
        key = (str(path), state.st_size, state.st_mtime_ns)
        if key not in self._verified:
            self._verified[key] = file_sha256(path)
        return self._verified[key]


@dataclass(frozen=True)
class Dataset:
    """One readable version of one partition."""

    manifest: Manifest
    folder: Path

    def paths(self, table: str) -> list[Path]:
        """Return the files of a table in row order."""
        return [self.folder / part.path for part in self.manifest.tables[table].parts]

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table | None:
        """Return a whole table, or the named columns of it; None when it has no rows."""
        tables = [read_part(path, columns) for path in self.paths(table)]
        return pa.concat_tables(tables) if tables else None


class Draft:
    """A partition being written: private until `publish`."""

    def __init__(self, lake: Lake, dataset: str, partition: str, folder: Path) -> None:
        self._lake = lake
        self._tables: dict[str, TableEntry] = {}
        self.dataset = dataset
        self.partition = partition
        self.folder = folder

    def bound_to(self, lake: Lake) -> Draft:
        """Return this draft as one of `lake`: a worker process stages with a lake object of its own."""
        draft = Draft(lake, self.dataset, self.partition, self.folder)
        draft._tables = self._tables
        return draft

    def part_path(self, table: str, number: int) -> Path:
        """Return where part `number` of a table belongs; its folder exists."""
        path = self.folder / table / f"part-{number:05d}.parquet"
        with atomic.disk_errors(path):
            path.parent.mkdir(exist_ok=True)
        return path

    def add(self, table: str, parts: Sequence[Part], content_hash: str) -> None:
        """Declare a table whose parts lie in the draft's folder, in row order."""
        self._tables[table] = TableEntry(sum(part.rows for part in parts), content_hash, tuple(parts))
        self._lake.on_step(f"staged {table}")

    def rows(self, table: str) -> int:
        """Return how many rows were declared for a table."""
        return self._tables[table].rows

    def parts(self, table: str) -> tuple[Part, ...]:
        """Return the files that were declared for a table."""
        return self._tables[table].parts

    def preview(self, **about: Any) -> Manifest:
        """Return the manifest that `publish` would write; see `publish` for what it takes."""
        return Manifest(self.dataset, self.partition, version_of(self._tables), tables=dict(self._tables), **about)

    def publish(
        self,
        *,
        inputs: Mapping[str, Input],
        code_version: str,
        config_hash: str,
        counts: Counts,
        checks: Sequence[Check],
        extra: Mapping[str, Any] | None = None,
    ) -> Manifest:
        """Make the draft what readers see, data first and manifest last; publishing the same again writes nothing."""
        manifest = self.preview(
            inputs=dict(inputs),
            code_version=code_version,
            config_hash=config_hash,
            counts=counts,
            checks=tuple(checks),
            extra=dict(extra or {}),
        )
        home = self._lake.folder(self.dataset, self.partition)
        with atomic.disk_errors(home):
            if self._tables_have_files():
                self._publish_version(home / manifest.version, manifest)
            path, data = home / MANIFEST, manifest.to_bytes()
            if not path.exists() or path.read_bytes() != data:
                atomic.replace_file(path, data, self._lake.on_step)
            self._lake.mark_mended(self.dataset, self.partition)
        return manifest

    def _tables_have_files(self) -> bool:
        return any(entry.parts for entry in self._tables.values())

    def _publish_version(self, final: Path, manifest: Manifest) -> None:
        if final.exists() and not _intact(final, manifest):
            moved = self._lake.root / _STAGING / f"corrupt-{uuid.uuid4().hex}"
            with suppress(FileNotFoundError):  # another process was quicker
                os.rename(final, moved)
            shutil.rmtree(moved, ignore_errors=True)
        if not final.exists():
            atomic.publish_folder(self.folder, final, self._lake.on_step)
            self._lake.trust(final, manifest)


def _intact(folder: Path, manifest: Manifest) -> bool:
    parts = [part for entry in manifest.tables.values() for part in entry.parts]
    return all((folder / part.path).is_file() and file_sha256(folder / part.path) == part.sha256 for part in parts)
