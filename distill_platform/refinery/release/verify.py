"""Verifying: layer 4 of the firewall. Whoever wants to train on a release has it read again from end to end.

Nothing is taken from what the builder believed: files are hashed, rows of both formats compared, ids recomputed, and
every row held against its corpus' schema once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.errors import CorruptDataset, GateRefused
from distill_platform.core.workers import Workers
from distill_platform.refinery.release import layout
from distill_platform.refinery.release.reading import Findings, SplitTask, read_split, typed
from distill_platform.refinery.release.trainers import CONVERSATIONS
from distill_platform.refinery.schemas import QUARANTINE
from distill_platform.store.lake import Check, Manifest, TableEntry, file_sha256
from distill_platform.store.lake.lake import MANIFEST
from distill_platform.store.lake.laws import check

_HINT = "Do not train on it: release the range again, or fetch the folder again from where it came"
_OF_BYTES = ("files", "unlisted_files", "name")


@dataclass(frozen=True)
class Release:
    """A release that was read from end to end and may be trained on."""

    folder: Path
    manifest: Manifest

    def path(self, config: str, split: str, kind: str = "parquet") -> Path:
        """Return the file with one split of a corpus; `kind` is parquet or jsonl."""
        return self.folder / f"{layout.rows_table(config, split)}.{kind}"


def load_release(folder: Path, workers: Workers | None = None) -> Release:
    """Return a release after verifying it; raises what `verify_release` raises."""
    verify_release(folder, workers)
    return Release(folder, layout.manifest_of(folder))


def verify_release(folder: Path, workers: Workers | None = None) -> list[Check]:
    """Return the checks of a release, all of which passed.

    Raises CorruptDataset where bytes are not those the manifest names, and GateRefused where they are but a check of
    the rows, or the release's own verdict, does not hold.
    """
    checks = inspect_release(folder, workers)
    failed = [found for found in checks if not found.passed]
    if failed:
        errors = "; ".join(f"{found.description}: {found.observed:g} {list(found.sample)}" for found in failed)
        kind = CorruptDataset if failed[0].name in _OF_BYTES else GateRefused
        raise kind(f"release {folder} cannot be trusted: {errors}", hint=_HINT)
    return checks


def inspect_release(folder: Path, workers: Workers | None = None) -> list[Check]:
    """Return the checks of a release, passed or not; rows are only read where the files are what they should be.

    Raises CorruptDataset when the manifest is missing or does not match its own digest.
    """
    manifest = layout.manifest_of(folder)
    files = check_files(folder, manifest)
    if not all(found.passed for found in files):
        return files
    errors = manifest.errors if manifest.checks else ("it was never checked",)
    verdict = check("verdict", "checks that failed when the release was made", len(errors), sample=errors)
    conflicts = bool(manifest.extra.get("gates", {}).get("verdict_conflicts", True))
    return [*files, verdict, *check_rows(folder, manifest.tables, workers or Workers(), conflicts_gate=conflicts)]


def check_files(folder: Path, manifest: Manifest) -> list[Check]:
    """Return the checks that the folder holds the manifest's files, byte by byte, and nothing else."""
    listed = {part.path: part for part in layout.parts(manifest)}
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not _is_folder(path)}
    changed = [name for name, part in listed.items() if name not in found or _changed(found[name], part.sha256)]
    extra = sorted(set(found) - set(listed) - {MANIFEST})
    misnamed = manifest.version != layout.release_name(manifest.partition, listed.values())
    return [
        check(
            "files", "files that are missing or were changed after they were published", len(changed), sample=changed
        ),
        check("unlisted_files", "files that the manifest does not name", len(extra), sample=extra),
        check("name", "names that are not the hash over the files", int(misnamed), sample=[manifest.version]),
    ]


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _changed(path: Path, sha256: str) -> bool:
    return path.is_symlink() or not path.is_file() or file_sha256(path) != sha256


def check_rows(
    folder: Path, tables: Mapping[str, TableEntry], workers: Workers, *, conflicts_gate: bool = True
) -> list[Check]:
    """Return the checks of all rows, read again: types, both formats, schema, ids, splits and labels.

    Of contradicting labels nothing is claimed where the gate that drops them was off.
    """
    rows = {layout.rows_table(config, split): (config, split) for config in layout.CORPUS_OF for split in layout.SPLITS}
    chats = {layout.conversations_table(config, split) for config in CONVERSATIONS for split in layout.SPLITS}
    quarantines = {layout.quarantine_table(config) for config in layout.CORPUS_OF}
    odd = sorted({*rows, *chats, *quarantines} ^ set(tables))
    if odd:
        return [check("tables", "tables that are missing or that no release has", len(odd), sample=odd)]
    tasks = [SplitTask(folder, config, split, tables[name]) for name, (config, split) in rows.items()]
    found = list(workers.map(read_split, tasks))
    mistyped = [f"{each.task.config}/{each.task.split}" for each in found if each.mistyped]
    mistyped += [name for name in quarantines if not typed(folder / f"{name}.parquet", QUARANTINE, tables[name].rows)]
    schema = "Parquet files whose columns, types or row counts are not those declared"
    checks = [check("schema", schema, len(mistyped), sample=sorted(mistyped))]
    return [*checks, *_row_checks(found), *_group_checks(found, conflicts_gate)]


def _row_checks(found: list[Findings]) -> list[Check]:
    """Return the checks that look at every row alone."""
    unfit, forged = ([row for each in found for row in each.examples.get(name, ())] for name in ("unfit", "forged"))
    content = [f"{each.task.config}/{each.task.split}" for each in found if each.other_content]
    unlike = "lines that are not the canonical form of their Parquet row"
    chats = "conversations that are not made from their Parquet row"
    return [
        check("jsonl", unlike, sum(each.unlike for each in found)),
        check("conversations", chats, sum(each.unlike_conversations for each in found)),
        check("rows_fit", "rows that their corpus' schema forbids", sum(each.unfit for each in found), sample=unfit),
        check(
            "ids", "rows whose id is not the hash of what they say", sum(each.forged for each in found), sample=forged
        ),
        check("content", "splits whose rows do not give their content hash", len(content), sample=content),
    ]


def _group_checks(found: list[Findings], conflicts_gate: bool) -> list[Check]:
    """Return the checks that look at rows together: repeated ids, leaking tasks, contradicting labels."""
    repeated = sum(_repeated([each for each in found if each.task.config == config]) for config in layout.CORPUS_OF)
    train, validation = (
        set[str]().union(*(each.tasks for each in found if each.task.split == split)) for split in layout.SPLITS
    )
    shared = sorted(train & validation)
    misplaced = sum(each.misplaced for each in found)
    good, bad = (set[bytes]().union(*(each.labelled[label] for each in found)) for label in (True, False))
    both = len(good & bad)
    labels = check("kto_labels", "texts labelled both good and bad for the same task", both)
    return [
        check("repeated_rows", "rows whose id another row of the corpus has", repeated),
        check(
            "task_splits",
            "tasks in both splits, and rows in the wrong split's file",
            len(shared) + misplaced,
            sample=shared,
        ),
        *([labels] if conflicts_gate else []),
    ]


def _repeated(splits: list[Findings]) -> int:
    ids = pa.concat_arrays([pa.array(each.ids, pa.binary(32)) for each in splits])
    return len(ids) - len(pc.unique(ids))
