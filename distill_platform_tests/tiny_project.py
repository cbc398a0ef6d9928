"""A tiny project in a folder: settings, two streams, and a dozen lines whose fate is known."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from distill_platform.refinery.pipeline import run_all
from distill_platform.refinery.settings import Settings, load_settings
from distill_platform.refinery.stage import open_refinery
from distill_platform.store.lake import Lake

DAYS = ["2026-04-20", "2026-04-21"]
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TOKEN = "ghp_" + "a8Kd02LmQz7RtYw4Xc1VbN6pJs9HgF3eUo5T"  # made up, but it has the shape of a real one
ANSWERS = """\
stream: answers
description: Answers of a model with a score.
class: verdict
path: "answers*"
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
  - {when: "metadata.score >= 5", category: accepted, reason: high}
  - {when: "metadata.score < 5", category: rejected, reason: low}
otherwise: {category: needs_human_review, reason: no_score}
"""
NOTES = """\
stream: notes
description: Facts taken from the answers' tasks.
class: extraction
path: notes.jsonl
record:
  run_id: run
  task_id: task
  timestamp: {from: at, type: timestamp}
  model_role: {value: extractor}
  text: fact
"""


def answer(run: str, **changes: object) -> dict[str, Any]:
    """One row of the stream `answers`."""
    row = {"run": run, "task": "t1", "at": "2026-04-20T10:00:00Z", "ask": "How is a queue kept short?", "score": 9}
    return {**row, "say": f"Answer {run} keeps the queue short by saying no early and often.", **changes}


ROWS = [
    answer("good"),
    answer("bad", score=1, say="Let it grow for ever, somebody else will surely look after the memory."),
    answer("unscored", task="t2", score=None, say="Nobody has looked at this text about lock order yet."),
    answer("leaky", task="t3", say=f"Log in with the token {TOKEN} and the queue is yours."),
    answer("loud", task="t4", say="Ring \x07 the bell \x1b[31m in red \u202e and write to ada@corp.example.org."),
    answer(
        "later", at="2026-04-21T09:00:00Z", score=2, say="Drop every second message without telling a soul about it."
    ),
]
NOTE = {"run": "note", "task": "t1", "at": "2026-04-20T11:00:00Z", "fact": "Queues of the gateway hold ninety items."}
MALFORMED = b'{"run": "torn", oops}'


def lines_of(rows: list[dict[str, Any]]) -> list[bytes]:
    """Rows as lines of a JSONL file."""
    return [json.dumps(row).encode() for row in rows]


def tiny_project(folder: Path) -> Path:
    """Write the project into a folder and return the folder."""
    for name in ("config/sources", "config/eval_sets", "data/sources"):
        (folder / name).mkdir(parents=True)
    (folder / "config/platform.yaml").write_text("workers: 1\n")
    (folder / "config/sources/answers.yaml").write_text(ANSWERS)
    (folder / "config/sources/notes.yaml").write_text(NOTES)
    lines = lines_of([*ROWS, ROWS[0]])
    (folder / "data/sources/answers.jsonl").write_bytes(b"\n".join([*lines, MALFORMED]) + b"\n")
    (folder / "data/sources/notes.jsonl").write_text(json.dumps(NOTE) + "\n")
    return folder


def settings_of(project: Path) -> Settings:
    """The project's settings."""
    return load_settings(project / "config/platform.yaml")


def run_project(project: Path, run_id: str = "run-1") -> Lake:
    """Run all stages over the project's two days, and return its lake."""
    with open_refinery(settings_of(project), now=NOW) as refinery:
        run_all(refinery, DAYS, run_id)
        return refinery.lake
