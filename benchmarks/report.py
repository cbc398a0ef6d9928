"""The report: what was measured, as Markdown for a reader and as JSON for a program."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.backtests.contest import TARGET_PER_S, BacktestOutcome
from benchmarks.end_to_end import Run
from benchmarks.evaluation import RUNS_A_SECOND, Evaluated
from benchmarks.fresh_memory import FreshMemory, measure_fresh_memory
from benchmarks.loop.contest import NODE, NODE_TUNED, OURS, OURS_ON_TWO, Contest
from benchmarks.models.rates import Rates, sections
from benchmarks.nulls.study import Study
from benchmarks.nulls.table import to_markdown as nulls_to_markdown
from benchmarks.policy import VERDICTS_A_SECOND, PolicyRates
from benchmarks.stages import AFTER_THE_CORPORA
from benchmarks.statistics.contest import Outcome, PeerTime
from benchmarks.table import times, to_table
from benchmarks.truth import TruthRun, to_markdown as truth_to_markdown

ROWS_A_SECOND, AIM_A_SECOND, TIMES_NODE, MEMORY = 30_000, 50_000, 3.0, 3 * 10**9


@dataclass(frozen=True)
class Machine:
    """What the numbers depend on."""

    processor: str
    cores: int
    memory_gb: float
    python: str
    node: str
    fresh_memory: FreshMemory

    @classmethod
    def here(cls) -> Machine:
        """Return this machine."""
        node = shutil.which("node")
        version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip() if node else ""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
        cores, fresh = len(os.sched_getaffinity(0)), measure_fresh_memory()
        return cls(_processor(), cores, memory, platform.python_version(), version, fresh)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


@dataclass(frozen=True)
class Report:
    """Everything one call of the benchmark measured; the parts that did not run are None or empty."""

    machine: Machine
    warm_up: Run | None
    runs: Sequence[Run]
    contest: Contest | None
    statistics: Sequence[Outcome] = ()
    evaluated: Evaluated | None = None
    nulls: Sequence[Study] = ()
    policy: PolicyRates | None = None
    backtests: Sequence[BacktestOutcome] = ()
    truth: Sequence[TruthRun] = ()
    models: dict[str, Rates] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return every raw number, and the derived ones that the Markdown shows."""
        runs = [
            asdict(run)
            | {"wall_s": run.wall_s, "cpu_s": run.cpu_s, "rows_per_s": run.rows_per_s}
            | {"peak": run.peak, "peak_with_release": run.peak_with_release}
            for run in self.runs
        ]
        contest = asdict(self.contest) if self.contest else None
        statistics = [
            asdict(outcome) | {"growth": outcome.growth, "share_of_limit": outcome.share_of_limit}
            for outcome in self.statistics
        ]
        return {
            "machine": asdict(self.machine),
            "warm_up_s": self.warm_up and self.warm_up.wall_s,
            "runs": runs,
            "contest": contest,
            "statistics": statistics,
            "evaluation": self.evaluated and asdict(self.evaluated) | {"runs_per_s": self.evaluated.runs_per_s},
            "nulls": {study.kind.value: [asdict(trial) for trial in study.trials] for study in self.nulls},
            "policy": asdict(self.policy) if self.policy else None,
            "backtests": [
                asdict(outcome)
                | {"bar_steps_per_s": outcome.bar_steps_per_s, "whole_bar_steps_per_s": outcome.whole_bar_steps_per_s}
                for outcome in self.backtests
            ],
            "truth": [run.to_dict() for run in self.truth],
            "models": {part: rates.to_json() for part, rates in self.models.items()},
        }

    def to_markdown(self) -> str:
        """Return the report for somebody who has not seen the code."""
        machine = self.machine
        about = (
            f"{machine.processor}, {machine.cores} cores, {machine.memory_gb:.0f} GB; Python {machine.python}, "
            f"{f'Node {machine.node}' if machine.node else 'no Node'}. "
            "Compare ratios: seconds depend on the machine and on what else it does. "
            f"A gigabyte of memory that was free for a while takes {machine.fresh_memory.first_s:.1f} s to fill, "
            f"{machine.fresh_memory.again_s:.1f} s again: where the first is much more, whatever needs new memory or "
            "writes files is slower for it."
        )
        parts = ["# Benchmark", about]
        if self.runs:
            parts += [*_end_to_end(self.runs[0], self.warm_up), *_scaling(self.runs)]
        if self.contest:
            parts += _loops(self.contest)
        if self.statistics:
            parts += _statistics(self.statistics)
        if self.evaluated:
            parts += _evaluation(self.evaluated)
        if self.nulls:
            parts += ["## Luck and edges", nulls_to_markdown(self.nulls).rstrip()]
        if self.policy:
            parts += _policy(self.policy)
        if self.backtests:
            parts += _backtests(self.backtests)
        parts += sections(self.models)
        if self.truth:
            parts += ["## Known truth", truth_to_markdown(self.truth).rstrip()]
        return "\n\n".join(parts) + "\n"


def _end_to_end(run: Run, warm_up: Run | None) -> list[str]:
    receipts, checks = (sum(getattr(stage, what) for stage in run.stages) for what in ("receipts", "checks"))
    said = (
        f"{run.rows:,} generated traces ({run.input_bytes / run.rows / 1000:.1f} KB each, "
        f"{run.input_bytes / 1e9:.2f} GB, {run.days} days) from JSONL to all four corpora with {run.workers} workers, "
        f"every gate of `config/platform.yaml` on, {receipts} receipts written and {checks} checks passed. "
        f"The lake then holds {run.lake_bytes / 1e9:.2f} GB."
    )
    measures = [
        ("rows per second", f"{run.rows_per_s:,.0f}", f"{ROWS_A_SECOND:,} (aim {AIM_A_SECOND:,})",
         times(run.rows_per_s / ROWS_A_SECOND)),
        ("peak memory", _mb(run.peak), f"at most {_mb(MEMORY)}", times(run.peak / MEMORY)),
        ("peak memory, release included", _mb(run.peak_with_release), "", times(run.peak_with_release / MEMORY)),
        ("wall time", f"{run.wall_s:.1f} s", "", ""),
        ("CPU time, all processes", f"{run.cpu_s:.1f} s", "", ""),
        ("CPU time per row", f"{run.cpu_s / run.rows * 1e6:.1f} µs", "", ""),
        ("cores busy", f"{run.cpu_s / run.wall_s:.2f}", str(run.workers), times(run.cpu_s / run.wall_s / run.workers)),
    ]  # fmt: skip
    if warm_up:
        share = times(warm_up.wall_s / run.wall_s)
        measures.append(
            (f"wall time of {warm_up.rows:,} rows, workers not started", f"{warm_up.wall_s:.1f} s", "", share)
        )
    memory = (
        "Peak memory is the highest sum of the proportional set sizes (PSS) of the process and its workers, sampled "
        "from outside every 100 ms, or less often where that would take 4 % of a core. Pages they share count once; "
        "files they have mapped count too."
    )
    return [
        "## End to end", said, to_table(("", "measured", "target", "ratio"), measures), memory,
        "Where the time goes:", _stage_table(run),
        "Rows per second are generated rows over the stage's wall time. The release judges all days again as one; it "
        "and the drift report come after the corpora and are not in the figures above.",
    ]  # fmt: skip


def _stage_table(run: Run) -> str:
    rows = []
    for stage, peak in zip(run.stages, run.peaks, strict=True):
        share = "after" if stage.name in AFTER_THE_CORPORA else f"{stage.wall_s / run.wall_s:.0%}"
        counts = [f"{count:,}" if stage.receipts else "" for count in (stage.rows_in, stage.rows_out, stage.dropped)]
        times = (
            f"{stage.wall_s:.1f}",
            share,
            f"{stage.cpu_s:.1f}",
            f"{run.rows / stage.wall_s:,.0f}" if stage.receipts else "",
        )
        rows.append((stage.name, *times, _mb(peak) if peak else "", *counts))
    head = ("stage", "wall s", "share", "CPU s", "rows/s", "peak memory", "rows in", "rows out", "dropped, with reason")
    return to_table(head, rows)


def _scaling(runs: Sequence[Run]) -> list[str]:
    if len(runs) == 1:
        return ["`make bench ARGS='--scale 1,2,4'` also runs twice and four times the rows: linear time, flat memory."]
    first = runs[0]
    rows = [
        (
            f"{run.rows:,}", f"{run.wall_s:.1f}", f"{run.rows_per_s:,.0f}",
            times((run.wall_s / run.rows) / (first.wall_s / first.rows)),
            times((run.cpu_s / run.rows) / (first.cpu_s / first.rows)),
            _mb(run.peak), times(run.peak / first.peak),
            _mb(run.peak_with_release), times(run.peak_with_release / first.peak_with_release),
        )
        for run in runs
    ]  # fmt: skip
    head = (
        "rows", "wall s", "rows/s", "wall per row", "CPU per row", "peak memory", "ratio", "with release", "ratio",
    )  # fmt: skip
    return ["## More rows", "Ratios are to the first line: 1.00x is linear time and flat memory.", to_table(head, rows)]


def _loops(contest: Contest) -> list[str]:
    laps = max(len(laps) for laps in contest.laps.values())
    size = contest.input_bytes / contest.rows / 1000
    said = (
        f"{contest.rows:,} rows of {size:.1f} KB: read a line, parse it, SHA-256 of its canonical text, drop it when "
        f"that was seen, write `{{id, task, text, sig}}`. Medians of {laps} alternating laps, each in a fresh process "
        "after a warm-up, without the start of the process. All outputs are the same, byte for byte. Our parser also "
        "refuses duplicate keys, lone surrogates and integers that would be rounded; Node's does not."
    )
    measured = [
        (name, f"{contest.wall_us(name):.1f}", f"{1e6 / contest.wall_us(name):,.0f}", f"{contest.cpu_us(name):.1f}")
        for name in contest.laps
    ]
    parts = ["## Parse, hash, write", said, to_table(("loop", "wall µs/row", "rows/s", "CPU µs/row"), measured)]
    if not contest.against:
        return [*parts, "Node is not installed here, so there is nothing to compare with."]
    ratios = [
        (f"{ours} against {node}", times(contest.wall_ratio(ours, node)), times(contest.cpu_ratio(ours, node)))
        for ours in (OURS, OURS_ON_TWO)
        for node in contest.against
    ]
    legend = (
        f"`{NODE}` is the loop as its documentation would have it (readline, createHash, streams); `{NODE_TUNED}` is "
        f"the fastest we could write (`benchmarks/loop/node_tuned.mjs`). Target: {TIMES_NODE:.0f} times Node."
    )
    return [*parts, to_table(("times Node", "by wall time", "by CPU time"), ratios), legend]


def _statistics(outcomes: Sequence[Outcome]) -> list[str]:
    said = (
        "Our functions and their peers on the same data, one thread each: the best CPU time of several alternating "
        "laps, after one that does not count. A ratio is the peer's time over ours. skfolio has no time under water, "
        "so it computes four of our seven columns. Peers of `pbo_cscv` compute 70 of the 12,870 combinations (S=8 "
        "instead of 16); each costs the same, and their time is that much longer."
    )
    peers = [_peer_row(outcome, peer) for outcome in outcomes for peer in outcome.peers]
    limits = [
        (
            f"{outcome.name}, {outcome.size}", outcome.kind, f"{outcome.operations / outcome.cpu_s / 1e9:.2f}",
            f"{outcome.limit_per_s / 1e9:.2f}", f"{outcome.share_of_limit:.0%}",
            f"{outcome.tenth_of}: {times(outcome.growth)}",
        )
        for outcome in outcomes
    ]  # fmt: skip
    legend = (
        "The limits are measured on one core in the same run: the sum of 80 MB, additions of arrays in the nearest "
        "cache, random look-ups there. What else a function does (square roots, ranks, random numbers) counts for "
        "nothing. Growth is the time of the job over ten times that of a tenth of it: 1.00x is the cost that the "
        "docstring states, less is a fixed cost beside it."
    )
    return [
        "## Statistics", said,
        to_table(("function", "job", "ours ms", "peer", "peer ms", "ratio", "target"), peers),
        "How near the machine's limit:",
        to_table(("job", "counted", "10⁹/s", "limit", "share", "growth over a decade"), limits), legend,
    ]  # fmt: skip


def _evaluation(found: Evaluated) -> list[str]:
    said = (
        f"{found.runs:,} sealed bundles of three years by the hour ({found.steps:,} steps, with trades, days, orders "
        f"and folds), one after the other in one process and one thread: read and verified, then all metrics of a run, "
        f"{found.scenarios} stress scenarios and {found.resamples:,} bootstrap resamples."
    )
    before, after = found.memory
    measures = [
        ("runs per second", f"{found.runs_per_s:,.1f}", f"{RUNS_A_SECOND:,.0f}",
         times(found.runs_per_s / RUNS_A_SECOND)),
        ("CPU time per run", f"{found.cpu_s / found.runs * 1e3:.1f} ms", "", ""),
        ("memory after a tenth of the runs", _mb(before), "", ""),
        ("memory after the last", _mb(after), "the same", times(after / before)),
        ("first run of the process, kernels loaded or compiled", f"{found.first_s:.1f} s", "", ""),
    ]  # fmt: skip
    whole = sum(seconds for _, seconds in found.shares)
    shares = [(name, f"{seconds * 1e3:.1f}", f"{seconds / whole:.0%}") for name, seconds in found.shares]
    base = found.growth[0][1] / found.growth[0][0]
    growth = [(f"{steps:,}", f"{seconds * 1e3:.1f}", times(seconds / steps / base)) for steps, seconds in found.growth]
    return [
        "## Evaluation", said, to_table(("", "measured", "target", "ratio"), measures),
        "Where the time of a run goes (best CPU time of several laps):", to_table(("part", "CPU ms", "share"), shares),
        "Without reading, over as many days with more steps in each; below 1.00x, what is done by the day weighs more:",
        to_table(("steps", "CPU ms", "per step"), growth),
    ]  # fmt: skip


def _peer_row(outcome: Outcome, peer: PeerTime) -> tuple[str, ...]:
    ours = (outcome.name, outcome.size, f"{outcome.cpu_s * 1e3:,.2f}", peer.name)
    target = f"{peer.target:,.0f}x" if peer.target else ""
    if peer.cpu_s is None:
        return (*ours, "not installed", "", target)
    return (*ours, f"{peer.cpu_s * 1e3:,.0f}", f"{peer.cpu_s / outcome.cpu_s:,.1f}x", target)


def _policy(rates: PolicyRates) -> list[str]:
    said = (
        "Runs judged a second on one core, by CPU time, half of them failing; not counted: writing the answer as JSON. "
        f"The full profile sets all {rates.bounds} bounds of all eleven rule types."
    )
    measured = [
        ("a full profile", f"{rates.full_profile:,.0f}", f"{VERDICTS_A_SECOND:,}",
         times(rates.full_profile / VERDICTS_A_SECOND)),
        ("the delivered backtest profile", f"{rates.delivered_profile:,.0f}", "", ""),
        ("all stage gates", f"{rates.gates:,.0f}", "", ""),
        ("dry run: cohort, verdicts, selection", f"{rates.dry_run:,.0f}", "", ""),
    ]  # fmt: skip
    return ["## Verdicts", said, to_table(("", "runs/s", "target", "ratio"), measured)]


def _backtests(outcomes: Sequence[BacktestOutcome]) -> list[str]:
    said = (
        "Random bars, long, short and flat targets, rebalanced at every bar, a fee of 5 bps, fills at the next close: "
        "what both engines model alike. A bar-step is one bar of one symbol. The best CPU times of several "
        "alternating laps, one thread each, after one that does not count. Simulated: equity, costs and orders; whole: "
        "with round trips and, on our side, every table of a run bundle, on vectorbt's its equity, returns and "
        f"positions. Target: {TARGET_PER_S / 1e6:.0f} million simulated bar-steps a second."
    )
    rows = [
        (
            f"{outcome.bars:,} x {outcome.symbols:,}", f"{outcome.bar_steps_per_s / 1e6:,.1f}",
            times(outcome.bar_steps_per_s / TARGET_PER_S), _peer_times(outcome.peer_simulate_s, outcome.simulate_s),
            f"{outcome.whole_bar_steps_per_s / 1e6:,.1f}", _peer_times(outcome.peer_whole_s, outcome.whole_s),
            f"{outcome.orders:,}", f"{outcome.trades:,}",
            "" if outcome.equity_gap is None else f"{outcome.equity_gap:.0e}",
        )
        for outcome in outcomes
    ]  # fmt: skip
    peer = outcomes[0].peer
    head = (
        "bars x symbols", "10⁶/s simulated", "of target", f"times {peer}", "10⁶/s whole", f"times {peer}", "orders",
        "trades", "equity differs by",
    )  # fmt: skip
    legend = (
        "Orders and round trips are the same in both: bar, symbol, size and average prices, each to a billionth. What "
        "vectorbt does not model (lots of the target, caps by value and volume, funding) is off."
    )
    missing = (
        "There is no environment with vectorbt here (`make bench` makes one), so there is nothing to compare with."
    )
    compared = outcomes[0].equity_gap is not None
    return ["## Backtest", said, to_table(head, rows), legend if compared else missing]


def _peer_times(theirs: float | None, ours: float) -> str:
    return "" if theirs is None else times(theirs / ours)


def _mb(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"
