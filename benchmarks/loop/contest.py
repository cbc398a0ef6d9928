"""The contest: our loop and the same loop in Node, on the same file, in alternation, in one run."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson

from benchmarks.traces import write_loop_rows

OURS, OURS_ON_TWO, NODE, NODE_TUNED = "ours", "ours, 2 workers", "Node", "Node, tuned"
_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_WARM_UP_ROWS = 5_000


class Disagreement(Exception):
    """Two loops did not write the same bytes, so their times cannot be compared."""


@dataclass(frozen=True)
class Lap:
    """One pass of one loop over the file, without the start of its process."""

    rows: int
    kept: int
    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Contest:
    """All laps by contender; all of them wrote the same bytes."""

    rows: int
    input_bytes: int
    laps: Mapping[str, Sequence[Lap]]

    def wall_us(self, contender: str) -> float:
        """Return the median wall time of a row in microseconds."""
        return median(lap.wall_s / lap.rows * 1e6 for lap in self.laps[contender])

    def cpu_us(self, contender: str) -> float:
        """Return the median CPU time of a row, of all threads and processes, in microseconds."""
        return median(lap.cpu_s / lap.rows * 1e6 for lap in self.laps[contender])

    @property
    def against(self) -> list[str]:
        """Return the contenders in Node; none when Node was not there."""
        return [name for name in (NODE, NODE_TUNED) if name in self.laps]

    def wall_ratio(self, contender: str, node: str) -> float:
        """Return how many times a contender's wall time a loop in Node took."""
        return self.wall_us(node) / self.wall_us(contender)

    def cpu_ratio(self, contender: str, node: str) -> float:
        """Return how many times a contender's CPU time a loop in Node took; NaN for too short a lap to have any."""
        return self.cpu_us(node) / (self.cpu_us(contender) or float("nan"))


def compete(folder: Path, rows: int, laps: int) -> Contest:
    """Return `laps` alternating laps of every contender over the same `rows` generated rows.

    Without Node on the path only our own loop runs. Raises Disagreement when two outputs differ.
    """
    folder.mkdir(parents=True, exist_ok=True)
    warm_up, given = folder / "warm-up.jsonl", folder / "loop.jsonl"
    write_loop_rows(warm_up, min(rows, _WARM_UP_ROWS), seed=8)
    write_loop_rows(given, rows)
    commands = _commands()
    done: dict[str, list[Lap]] = {name: [] for name in commands}
    outputs = set()
    for _ in range(laps):
        for name, command in commands.items():
            output = folder / "out.jsonl"
            done[name].append(_lap([*command, *map(str, (warm_up, given, output))]))
            outputs.add((done[name][-1].rows, done[name][-1].kept, _sha256(output)))
    if len(outputs) > 1:
        raise Disagreement(f"the loops read and wrote different things: {sorted(outputs)}")
    size = given.stat().st_size
    shutil.rmtree(folder)
    return Contest(rows, size, done)


def _commands() -> dict[str, list[str]]:
    ours = [sys.executable, "-m", "benchmarks.loop.ours"]
    commands = {OURS: [*ours, "1"], OURS_ON_TWO: [*ours, "2"]}
    node = shutil.which("node")
    if node:
        commands |= {
            NODE: [node, str(_HERE / "node.mjs"), "usual"],
            NODE_TUNED: [node, str(_HERE / "node.mjs"), "tuned"],
        }
    return commands


def _lap(command: Sequence[str]) -> Lap:
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=_ROOT)
    return Lap(**orjson.loads(done.stdout))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
