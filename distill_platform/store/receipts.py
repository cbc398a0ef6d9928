"""Receipts: what one stage did to one partition, written down once and never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from distill_platform.core import canon
from distill_platform.core.errors import CanonError, CorruptDataset
from distill_platform.core.utc import iso
from distill_platform.store.code import git_sha
from distill_platform.store.lake import Check, Counts, Lake, Manifest
from distill_platform.store.lake.atomic import replace_file

RUNS = "runs"


@dataclass(frozen=True)
class Artifact:
    """One thing read or written: where, how many rows, the hash of its bytes and of its content."""

    path: str
    rows: int
    sha256: str
    content_hash: str


@dataclass(frozen=True)
class StageReceipt:
    """One stage, one partition. `started_at` and `duration_s` stand here and in nothing that is hashed."""

    run_id: str
    stage: str
    partition: str
    git_sha: str
    code_version: str
    config_hash: str
    input_hash: str
    content_hash: str
    inputs: tuple[Artifact, ...]
    outputs: tuple[Artifact, ...]
    counts: Counts
    passed: bool
    errors: tuple[str, ...]
    checks: tuple[Check, ...]
    started_at: str
    duration_s: float
    extra: Mapping[str, Any] = field(default_factory=dict)


def receipt_of(
    manifest: Manifest, run_id: str, started_at: datetime, duration_s: float, sources: Mapping[str, str]
) -> StageReceipt:
    """Return the receipt of a published partition; `sources` names the SHA-256 of every source file."""
    rows = manifest.extra.get("source_rows", {})
    inputs = [Artifact(path, count, sources.get(path, ""), "") for path, count in rows.items()]
    inputs += [
        Artifact(name, 0, read.version, read.content_hash) for name, read in manifest.inputs.items() if "/" in name
    ]
    home = manifest.extra.get("folder") or f"{manifest.dataset}/{manifest.partition}/{manifest.version}"
    outputs = [
        Artifact(f"{home}/{part.path}", part.rows, part.sha256, table.content_hash)
        for table in manifest.tables.values()
        for part in table.parts
    ]
    return StageReceipt(
        run_id=run_id,
        stage=manifest.dataset,
        partition=manifest.partition,
        git_sha=git_sha(),
        code_version=manifest.code_version,
        config_hash=manifest.config_hash,
        input_hash=manifest.input_hash,
        content_hash=manifest.content_hash,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        counts=manifest.counts,
        passed=manifest.passed,
        errors=manifest.errors,
        checks=manifest.checks,
        started_at=iso(started_at),
        duration_s=round(duration_s, 6),
        extra={name: value for name, value in manifest.extra.items() if name != "source_rows"},
    )


def failed_receipt(
    stage: str, partition: str, run_id: str, started_at: datetime, duration_s: float, message: str, code_version: str
) -> StageReceipt:
    """Return the receipt of a partition whose stage raised an error: nothing in, nothing out, and why."""
    return StageReceipt(
        run_id, stage, partition, git_sha(), code_version, "", "", "", (), (), Counts(), False, (message,), (),
        iso(started_at), round(duration_s, 6),
    )  # fmt: skip


def write_receipts(lake: Lake, run_id: str, stage: str, receipts: Sequence[StageReceipt]) -> Path:
    """Write one stage's receipts of a run, a line each, and return where they lie."""
    path = run_folder(lake, run_id) / "receipts" / f"{stage}.jsonl"
    replace_file(path, b"".join(canon.dumps(asdict(receipt)) + b"\n" for receipt in receipts), lake.on_step)
    return path


def run_folder(lake: Lake, run_id: str) -> Path:
    """Return the folder of a run's receipts, summary and drift report."""
    return lake.root / RUNS / run_id


def read_receipts(lake: Lake, run_id: str, order: Sequence[str] = ()) -> list[StageReceipt]:
    """Return all receipts of a run by their stages' start; empty for an unknown run.

    Stages that were made in one go started together: they come in the given order.
    """
    places = {stage: place for place, stage in enumerate(order)}
    paths = sorted((run_folder(lake, run_id) / "receipts").glob("*.jsonl"))
    receipts = [receipt for path in paths for receipt in _read(path)]
    return sorted(receipts, key=lambda receipt: (receipt.started_at, places.get(receipt.stage, 0), receipt.partition))


def run_ids(lake: Lake) -> list[str]:
    """Return the runs that left receipts, the latest first."""
    started = [(_first_start(folder), folder.name) for folder in (lake.root / RUNS).glob("*") if folder.is_dir()]
    return [name for start, name in sorted(started, reverse=True) if start]


def _first_start(folder: Path) -> str:
    starts = [receipt.started_at for path in (folder / "receipts").glob("*.jsonl") for receipt in _read(path)[:1]]
    return min(starts, default="")


def _read(path: Path) -> list[StageReceipt]:
    try:
        return [_built(canon.parse(line)) for line in path.read_bytes().splitlines()]
    except (CanonError, TypeError, KeyError) as error:
        raise CorruptDataset(f"{path} does not hold receipts: {error}", hint="Remove the run's folder") from None


def _built(body: dict[str, Any]) -> StageReceipt:
    body["inputs"] = _artifacts(body["inputs"])
    body["outputs"] = _artifacts(body["outputs"])
    body["counts"] = Counts(**body["counts"])
    body["checks"] = tuple(Check(**{**check, "sample": tuple(check["sample"])}) for check in body["checks"])
    return StageReceipt(**{**body, "errors": tuple(body["errors"])})


def _artifacts(items: Iterable[dict[str, Any]]) -> tuple[Artifact, ...]:
    return tuple(Artifact(**item) for item in items)
