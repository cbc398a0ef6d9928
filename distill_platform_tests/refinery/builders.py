"""A small refinery in a folder of its own: streams, source files, settings, and a clock that stands still."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from distill_platform.core.workers import Workers
from distill_platform.refinery.evidence import build_evidence
from distill_platform.refinery.settings import Settings, load_settings
from distill_platform.refinery.stage import Refinery
from distill_platform.store.lake import Lake, Manifest, Step
from distill_platform.store.lake.atomic import no_step

DAY, NEXT_DAY = "2026-04-20", "2026-04-21"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)

RECORD: dict[str, Any] = {
    "run_id": "run",
    "task_id": "task",
    "timestamp": "at",
    "model_role": {"value": "reviewer"},
    "model_name": "model",
    "prompt": "prompt",
    "text": "text",
    "observer_verdict": "verdict",
    "latency_ms": {"from": "latency_ms", "type": "number"},
}
SCORING = [
    {"when": "observer_verdict == 'accept'", "category": "accepted", "reason": "observer_accept"},
    {"when": "observer_verdict == 'cycle'", "category": "partially_accepted", "reason": "observer_cycle"},
    {"when": "observer_verdict == 'reject'", "category": "rejected", "reason": "observer_reject"},
]
OTHERWISE = {"category": "needs_human_review", "reason": "no_verdict"}


def stream_config(name: str = "reviews", **changes: Any) -> dict[str, Any]:
    """Return a whole stream declaration of class verdict; a change to None leaves a key out."""
    config = {
        "stream": name,
        "description": "Reviews for tests.",
        "class": "verdict",
        "path": f"{name}*.jsonl",
        "record": RECORD,
        "scoring": SCORING,
        "otherwise": OTHERWISE,
    } | changes
    return {key: value for key, value in config.items() if value is not None}


def extraction_config(name: str = "facts", **changes: Any) -> dict[str, Any]:
    """Return a whole stream declaration of class extraction."""
    return stream_config(name, **({"class": "extraction", "scoring": None, "otherwise": None} | changes))


def row(number: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a source row that the default stream accepts; a change to `...` leaves a key out."""
    built = {
        "run": f"run-{number}",
        "task": f"task-{number % 7}",
        "at": f"{DAY}T{number % 24:02d}:{number % 60:02d}:00Z",
        "model": "model-a",
        "prompt": f"What is {number} plus one?",
        "text": f"It is {number + 1}, because one more than {number} is {number + 1}.",
        "verdict": ("accept", "reject", "cycle", "unsure")[number % 4],
        "latency_ms": 100.5 + number,
    } | changes
    return {key: value for key, value in built.items() if value is not ...}


def jsonl(rows: Iterable[Any]) -> bytes:
    """Return rows as the bytes of a JSONL file; a row that is bytes stands as it is."""
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in rows)


class World:
    """A folder with `config/`, `data/` and `lake/`, and the refinery that runs in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"
        self.lake = root / "lake"
        self.sources = root / "config" / "sources"
        for folder in (self.data, self.sources, root / "config" / "eval_sets"):
            folder.mkdir(parents=True, exist_ok=True)

    def stream(self, config: Mapping[str, Any] | str | None = None) -> Path:
        """Write one stream's YAML file, from its values or its text; return the file."""
        config = stream_config() if config is None else config
        values = yaml.safe_load(config) if isinstance(config, str) else config
        file = self.sources / f"{values['stream']}.yaml"
        file.write_text(config if isinstance(config, str) else yaml.safe_dump(dict(config), sort_keys=False))
        return file

    def file(self, name: str, content: bytes | Sequence[Any]) -> Path:
        """Write one source file, from its bytes or its rows; return it."""
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else jsonl(content))
        return path

    def settings(self, **platform: Any) -> Settings:
        """Return the settings; `platform` is what `platform.yaml` says beyond the paths and one worker."""
        paths = {"sources": "config/sources", "eval_sets": "config/eval_sets", "data": "data", "lake": "lake"}
        file = self.root / "config" / "platform.yaml"
        text = yaml.safe_dump({"paths": paths, "workers": 1} | platform)
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
        return load_settings(file)

    @contextmanager
    def refinery(self, *, now: datetime = NOW, on_step: Step = no_step, **platform: Any) -> Iterator[Refinery]:
        """Open a refinery over the world as it is."""
        settings = self.settings(**platform)
        with Workers(settings.config.workers) as workers:
            yield Refinery(settings, Lake(settings.lake, on_step=on_step), workers, now)

    def evidence(self, *days: str, **options: Any) -> dict[str, Manifest]:
        """Build the evidence of `days` (one day by default); return the manifests by partition."""
        with self.refinery(**options) as refinery:
            return {manifest.partition: manifest for manifest in build_evidence(refinery, days or (DAY,))}

    def table(self, partition: str = DAY, table: str = "records", dataset: str = "evidence") -> list[dict[str, Any]]:
        """Return a published table as rows, whatever the partition's verdict."""
        found = Lake(self.lake).inspect(dataset, partition).read(table)
        rows: list[dict[str, Any]] = found.to_pylist() if found is not None else []
        return rows

    def reasons(self, partition: str = "undated") -> list[str]:
        """Return the reasons in a partition's quarantine, sorted."""
        return sorted(dropped["reason"] for dropped in self.table(partition, "quarantine"))


def tree(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder by its name there, empty scratch left out."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return inode and modification time of every file below a folder: what changes when a file is written again."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
