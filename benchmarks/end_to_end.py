"""End to end: generated JSONL to all corpora in a process of its own, with what it cost, stage by stage."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import watched
from benchmarks.stages import AFTER_THE_CORPORA, COSTS, StageCost, read_costs
from benchmarks.traces import write_traces


@dataclass(frozen=True)
class Run:
    """One run over `rows` generated rows: every stage's cost, and the peak memory of the process tree during it."""

    rows: int
    days: int
    input_bytes: int
    lake_bytes: int
    workers: int
    stages: Sequence[StageCost]
    peaks: Sequence[int]

    @property
    def to_corpora(self) -> list[StageCost]:
        """Return the stages from the source files to the last of the four corpora."""
        return [stage for stage in self.stages if stage.name not in AFTER_THE_CORPORA]

    @property
    def wall_s(self) -> float:
        """Return the time from the first byte read to the last corpus published, with everything in between."""
        return self.to_corpora[-1].end - self.to_corpora[0].start

    @property
    def cpu_s(self) -> float:
        """Return the CPU seconds of all processes up to the last corpus."""
        return sum(stage.cpu_s for stage in self.to_corpora)

    @property
    def rows_per_s(self) -> float:
        """Return generated rows per second of wall time, up to the last corpus."""
        return self.rows / self.wall_s

    @property
    def peak(self) -> int:
        """Return the peak memory up to the last corpus."""
        return max(self.peaks[: len(self.to_corpora)])

    @property
    def peak_with_release(self) -> int:
        """Return the peak memory of the whole run, release and drift report included."""
        return max(self.peaks)


def run_end_to_end(folder: Path, rows: int, workers: int = 2) -> Run:
    """Generate `rows` rows in `folder`, run the pipeline over them, remove both, and return what it cost."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        days = write_traces(folder, rows)
        command = [sys.executable, "-m", "benchmarks.stages", str(folder), str(workers)]
        with subprocess.Popen(command, cwd=Path(__file__).parent.parent) as process, watched(process.pid) as memory:
            status = process.wait()
        if status:
            raise SystemExit(f"the measured run ended with status {status}; what it said stands above")
        stages = read_costs(folder / COSTS)
        peaks = [memory.peak(stage.start, stage.end) for stage in stages]
        return Run(rows, len(days), _size(folder / "data"), _size(folder / "lake"), workers, stages, peaks)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
