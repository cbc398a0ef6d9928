"""A small lake for tests of releases: one stream of answers with a score, taken through every stage."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from distill_platform.refinery.corpora.build import build_corpora
from distill_platform.refinery.evidence import build_evidence
from distill_platform.refinery.release import release_corpora
from distill_platform.refinery.schemas import CORPORA
from distill_platform.refinery.scoring import score_runs
from distill_platform.refinery.screened import screen_texts
from distill_platform.refinery.settings import load_settings
from distill_platform.refinery.stage import Refinery, open_refinery
from distill_platform.store.lake import Lake, Manifest
from distill_platform.store.lake.atomic import Step

MONDAY, TUESDAY, WEDNESDAY = "2026-04-20", "2026-04-21", "2026-04-22"
STREAM = """
stream: answers
description: Answers with a score.
class: verdict
path: answers*.jsonl
record:
  run_id: run
  task_id: task
  timestamp: {from: at, type: timestamp}
  model_role: {value: executor}
  prompt: ask
  text: say
metadata:
  score: {from: score, type: number}
scoring:
  - {when: "metadata.score >= 8", category: accepted, reason: high}
  - {when: "metadata.score >= 4", category: partially_accepted, reason: middling}
  - {when: "metadata.score < 4", category: rejected, reason: low}
otherwise: {category: needs_human_review, reason: none}
"""
Row = dict[str, Any]


def answer(day: str, task: str, score: float, say: str, *, ask: str = "", run: str = "") -> Row:
    """Return a source row: an answer to a task, judged by its score (8 and more accepted, below 4 rejected)."""
    return {
        "run": run or f"run-{task}-{score}-{say[:30]}",
        "task": task,
        "at": f"{day}T10:00:00Z",
        "ask": ask or f"How would you solve task {task}?",
        "say": say,
        "score": score,
    }


def week() -> list[Row]:
    """Return two days of answers of every verdict to a dozen tasks, some of them on both days."""
    rows = []
    for number in range(12):
        for day, score in ((MONDAY, 9), (MONDAY, 2), (TUESDAY, 5), (TUESDAY, 8.5)):
            task = f"task-{number}"
            rows.append(answer(day, task, score, f"On {day} answer {number} with quality {score} says something new."))
    return rows


@dataclass(frozen=True)
class SmallLake:
    """Where a small refinery keeps its configuration, its source rows and its lake."""

    home: Path
    config: str = "exports: {validation_fraction: 0.3}"

    def write(self, rows: Sequence[Row]) -> "SmallLake":
        """Write configuration and source rows, and return the lake."""
        for folder in ("config/sources", "config/eval_sets", "data/sources"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "config/platform.yaml").write_text(f"workers: 1\n{self.config}\n")
        (self.home / "config/sources/answers.yaml").write_text(STREAM)
        (self.home / "data/sources/answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return self

    @property
    def lake(self) -> Lake:
        """Return the lake itself."""
        return Lake(self.home / "data/lake")

    @contextmanager
    def refinery(self, on_step: Step | None = None) -> Iterator[Refinery]:
        """Open the refinery; `on_step` is told every write."""
        settings = load_settings(self.home / "config/platform.yaml")
        with open_refinery(settings, now=datetime(2026, 5, 1, tzinfo=UTC)) as refinery:
            yield replace(refinery, lake=Lake(settings.lake, on_step=on_step)) if on_step else refinery

    def materialize(self, *days: str) -> "SmallLake":
        """Run all stages up to the corpora for the given days together, and return the lake."""
        with self.refinery() as refinery:
            for stage in (build_evidence, score_runs, screen_texts):
                stage(refinery, days)
            build_corpora(refinery, list(CORPORA), days)
        return self

    def release(self, *days: str, on_step: Step | None = None) -> Manifest:
        """Return the manifest of a release over the given days."""
        with self.refinery(on_step) as refinery:
            (manifest,) = release_corpora(refinery, days)
        return manifest

    def folder(self, manifest: Manifest) -> Path:
        """Return where a release lies."""
        return self.lake.root / str(manifest.extra["folder"])

    def rows(self, manifest: Manifest, config: str) -> list[Row]:
        """Return all released rows of a corpus, both splits, from their JSONL."""
        files = [self.folder(manifest) / f"{config}/{split}.jsonl" for split in ("train", "validation")]
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def bytes_of(self, place: str = "") -> dict[str, bytes]:
        """Return every file of the lake under `place`, scratch folders left out."""
        root = self.lake.root
        files = [path for path in sorted((root / place).rglob("*")) if path.is_file()]
        return {name: path.read_bytes() for path in files if not (name := str(path.relative_to(root))).startswith(".")}


def killed_at(home: Path, step: str) -> None:
    """Release both days in this process and die, without any clean-up, at the first step named like `step`."""

    def die(name: str) -> None:
        if name.startswith(step):
            os._exit(9)

    SmallLake(home).release(MONDAY, TUESDAY, on_step=die)
