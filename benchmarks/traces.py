"""Generated traces for the benchmark: 2 KB rows over several days, with everything the gates look for planted.

Texts look like those of models where it costs time: paragraphs, quotation marks, and characters beyond ASCII in about a
quarter of the rows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
ROWS_A_DAY = 100_000
_SENTENCES = 20_000
_SYLLABLES = [a + b for a in "bcdfghjklmnprstvwz" for b in ("a", "e", "i", "o", "u", "an", "er", "il")]

STREAMS = {
    "agent_runs": """
stream: agent_runs
description: Answers of agents with the verdict of a reviewer (generated for the benchmark).
class: verdict
path: agent_runs-*.jsonl
record:
  run_id: run
  task_id: task
  timestamp: at
  model_role: {value: executor}
  model_name: model
  prompt: prompt
  text: answer
  latency_ms: {from: latency_ms, type: number}
  validation: {grounded_fraction: {from: grounded, type: number}}
metadata:
  verdict: verdict
scoring:
  - {when: 'metadata.verdict == "reject"', category: rejected, reason: reviewer_rejected}
  - {when: 'latency_ms > 120000', category: partially_accepted, reason: slow}
  - {when: 'metadata.verdict == "accept" && validation.grounded_fraction >= 0.5', category: accepted, reason: accepted}
  - {when: 'metadata.verdict == "accept"', category: partially_accepted, reason: weakly_grounded}
otherwise: {category: needs_human_review, reason: no_verdict}
""",
    "facts": """
stream: facts
description: Facts extracted from runs (generated for the benchmark).
class: extraction
path: facts-*.jsonl
record:
  run_id: run
  task_id: task
  timestamp: at
  model_role: {value: extractor}
  text: fact
prompt_template: "What is known about {task_id}?"
""",
}


def write_traces(folder: Path, rows: int, seed: int = 7) -> list[str]:
    """Write about `rows` rows as JSONL into `folder` and their two declarations beside it; return the days."""
    data, sources, evals = (folder / name for name in ("data", "sources", "eval_sets"))
    for path in (data, sources, evals):
        path.mkdir(parents=True, exist_ok=True)
    for name, declaration in STREAMS.items():
        (sources / f"{name}.yaml").write_text(declaration)
    maker = _Maker(random.Random(seed))
    (evals / "benchmark.jsonl").write_bytes(b"".join(orjson.dumps(item) + b"\n" for item in maker.evaluation))
    days = []
    for number in range(-(-rows // ROWS_A_DAY)):
        day = FIRST_DAY + timedelta(days=number)
        days.append(day.date().isoformat())
        count = min(ROWS_A_DAY, rows - number * ROWS_A_DAY)
        _write_day(data, day, maker, count)
    return days


def write_loop_rows(path: Path, rows: int, seed: int = 7) -> None:
    """Write `rows` rows into one JSONL file, every 33rd a copy of the row before it with its keys in another order.

    No number is written differently in Python and JavaScript (1.0 and 1), so that both come to the same hashes.
    """
    maker = _Maker(random.Random(seed))
    with path.open("wb") as file:
        for number, row in enumerate(maker.runs(FIRST_DAY, rows)):
            if number % 33 or not number:
                kept = row | {"grounded": row["grounded"] if row["grounded"] not in (0.0, 1.0) else 0.5}
            else:
                kept = dict(reversed(kept.items()))
            file.write(orjson.dumps(kept) + b"\n")


def _write_day(folder: Path, day: datetime, maker: _Maker, rows: int) -> None:
    name = day.date().isoformat()
    facts = rows // 10
    with (folder / f"agent_runs-{name}.jsonl").open("wb") as file:
        file.writelines(orjson.dumps(row) + b"\n" for row in maker.runs(day, rows - facts))
    with (folder / f"facts-{name}.jsonl").open("wb") as file:
        file.writelines(orjson.dumps(row) + b"\n" for row in maker.facts(day, facts))


class _Maker:
    """Makes rows; every text is a new draw of sentences except where something is planted."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        words = ["".join(dice.choices(_SYLLABLES, k=dice.randint(1, 4))) for _ in range(6_000)]
        self._sentences = self._drawn(words, 4 * _SENTENCES)
        self.evaluation = [{"question": self._text(350), "answer": self._text(250)} for _ in range(1_500)]
        self._sentences = self._drawn(words, _SENTENCES)
        self._answers: list[str] = []
        self._run = 0

    def _drawn(self, words: list[str], count: int) -> list[str]:
        return [self._sentence(self._dice.choices(words, k=self._dice.randint(8, 18))) for _ in range(count)]

    def _sentence(self, words: list[str]) -> str:
        """Return a sentence with the space after it: now and then quoted, not ASCII, or the last of a paragraph."""
        draw = self._dice.random()
        if draw < 0.02:
            words[0] = f'"{words[0]}"'
        elif draw < 0.03:
            words[-1] += " \u2014 d\u00e9j\u00e0 vu"
        return " ".join(words) + (".\n\n" if draw > 0.88 else ". ")

    def _text(self, size: int) -> str:
        picked: list[str] = []
        while size > 0:
            sentence = self._sentences[int(self._dice.random() * len(self._sentences))]
            picked.append(sentence)
            size -= len(sentence)
        return "".join(picked).rstrip()

    def runs(self, day: datetime, count: int) -> Iterator[dict[str, object]]:
        """Yield answers: three to a task, with the same prompt."""
        prompt = ""
        for number in range(count):
            if number % 3 == 0:
                prompt = self._prompt()
            self._run += 1
            yield {
                "run": f"run-{self._run:09d}",
                "task": f"task-{day.toordinal()}-{number // 3:07d}",
                "at": (day + timedelta(milliseconds=number * 800)).isoformat(),
                "model": "model-a" if number % 2 else "model-b",
                "prompt": prompt,
                "answer": self._answer(),
                "latency_ms": self._dice.randint(200, 140_000),
                "grounded": round(self._dice.random(), 3),
                "verdict": self._dice.choices(("accept", "reject", "unsure"), (6, 3, 1))[0],
            }

    def _prompt(self) -> str:
        if self._dice.random() < 0.005:
            return f"Please solve this. {self._dice.choice(self.evaluation)['question']}"
        return self._text(450)

    def _answer(self) -> str:
        draw = self._dice.random()
        if self._answers and draw < 0.03:
            return self._dice.choice(self._answers)
        if self._answers and draw < 0.08:
            return self._dice.choice(self._answers) + " " + self._dice.choice(self._sentences).rstrip()
        answer = self._text(1_250)
        if draw < 0.085:
            answer += f" Write to user{self._run}@example.com for more."
        elif draw < 0.087:
            answer += " token ghp_" + "".join(self._dice.choices("abcdefghijkmnpqrstuvwxyzABCDEFGH23456789", k=36))
        elif draw < 0.09:
            answer += " " + self._dice.choice(self.evaluation)["answer"]
        if draw > 0.9:
            self._answers = [*self._answers[-2_000:], answer]
        return answer

    def facts(self, day: datetime, count: int) -> Iterator[dict[str, object]]:
        """Yield extracted facts about the day's tasks."""
        for number in range(count):
            self._run += 1
            yield {
                "run": f"run-{self._run:09d}",
                "task": f"task-{day.toordinal()}-{number:07d}",
                "at": (day + timedelta(milliseconds=number * 800)).isoformat(),
                "fact": self._text(1_700),
            }
