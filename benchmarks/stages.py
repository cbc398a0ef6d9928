"""The measured process: it runs the pipeline's stages over generated traces and writes down what each cost.

Started by `end_to_end` as `python -m benchmarks.stages <folder> <workers>`, so that nothing else is in its numbers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

import orjson

from benchmarks.processes import cpu_seconds
from benchmarks.traces import FIRST_DAY
from distill_platform.refinery.drift import report_drift
from distill_platform.refinery.pipeline import PIPELINE, STAGES
from distill_platform.refinery.settings import PathOverrides, Settings, load_settings
from distill_platform.refinery.stage import Refinery, open_refinery
from distill_platform.store.lake import Counts, Manifest
from distill_platform.store.stages import Stage, refuse_failed, steps

CONFIG = Path(__file__).parent.parent / "config" / "platform.yaml"
COSTS = "costs.json"
CORPORA = "four corpora"
AFTER_THE_CORPORA = ("corpus_release", "drift_report")
_RUN_ID = "benchmark"
_NOW = FIRST_DAY + timedelta(days=3_650)  # fixed, and after every generated time stamp


@dataclass(frozen=True)
class StageCost:
    """What one stage cost, and what became of its rows; `start` and `end` are times of `time.monotonic`."""

    name: str
    start: float
    end: float
    cpu_s: float
    rows_in: int = 0
    rows_out: int = 0
    dropped: int = 0
    receipts: int = 0
    checks: int = 0

    @property
    def wall_s(self) -> float:
        """Return how long it took."""
        return self.end - self.start


def settings_for(folder: Path, workers: int) -> Settings:
    """Return the platform's own configuration, pointed at the generated files: every gate is as it is delivered."""
    places = PathOverrides(folder / "sources", folder / "eval_sets", folder / "data", folder / "lake")
    settings = load_settings(CONFIG, places)
    return replace(settings, config=settings.config.model_copy(update={"workers": workers}))


def run_stages(folder: Path, workers: int) -> list[StageCost]:
    """Run every stage, then the drift report, over the days of the files in `folder`; return what each cost.

    Raises GateRefused as soon as a blocking check does not hold.
    """
    days = sorted({path.stem.removeprefix("agent_runs-") for path in (folder / "data").glob("agent_runs-*.jsonl")})
    with open_refinery(settings_for(folder, workers), now=_NOW) as refinery:
        return [_measured(name, work) for name, work in _works(refinery, days)]


_Work = Callable[[], tuple[Sequence[Manifest], int]]


def _works(refinery: Refinery, days: Sequence[str]) -> list[tuple[str, _Work]]:
    def step_work(step: Sequence[Stage[Refinery]]) -> _Work:
        def work() -> tuple[Sequence[Manifest], int]:
            done = PIPELINE.run_step(refinery, step, days, _RUN_ID)
            refuse_failed(done.manifests)
            return done.manifests, len(done.receipts)

        return work

    def drift() -> tuple[Sequence[Manifest], int]:
        report_drift(refinery, days, _RUN_ID)
        return (), 0

    named = [(step[0].name if len(step) == 1 else CORPORA, step_work(step)) for step in steps(STAGES)]
    return [*named, ("drift_report", drift)]


def _measured(name: str, work: _Work) -> StageCost:
    start, cpu = time.monotonic(), cpu_seconds()
    manifests, receipts = work()
    end, used = time.monotonic(), cpu_seconds() - cpu
    counts = [manifest.counts for manifest in manifests]
    return StageCost(
        name,
        start,
        end,
        used,
        rows_in=sum(count.rows_in for count in counts),
        rows_out=sum(count.rows_out for count in counts),
        dropped=sum(_dropped(count) for count in counts),
        receipts=receipts,
        checks=sum(len(manifest.checks) for manifest in manifests),
    )


def _dropped(counts: Counts) -> int:
    return counts.deduplicated + sum(counts.skipped.values()) + sum(counts.quarantined.values())


def write_costs(path: Path, costs: Sequence[StageCost]) -> None:
    """Write what stages cost, for the process that watches this one."""
    path.write_bytes(orjson.dumps([asdict(cost) for cost in costs]))


def read_costs(path: Path) -> list[StageCost]:
    """Return what another process wrote with `write_costs`."""
    return [StageCost(**cost) for cost in orjson.loads(path.read_bytes())]


if __name__ == "__main__":
    write_costs(Path(sys.argv[1]) / COSTS, run_stages(Path(sys.argv[1]), int(sys.argv[2])))
