"""Judging: a strategy of a cohort becomes a bundle, and goes through the same functions as any run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.nulls.market import DAYS, Floats
from benchmarks.nulls.strategies import Book, Draw
from distill_platform.evaluation.cohort.hurdle import deflated_sharpe
from distill_platform.evaluation.cohort.members import Member, aligned
from distill_platform.evaluation.cohort.overfitting import backtest_overfitting
from distill_platform.evaluation.metrics import EvaluationTerms, run_metrics, terms_of
from distill_platform.evaluation.trials import TrialRecord, honest_trials, trial_of
from distill_platform.policy.gates import judge_gates
from distill_platform.policy.judging import judge_run
from distill_platform.policy.words import GateStatus, Stage, Status
from distill_platform.policy.world import World, load_world
from distill_platform.stats import sharpe
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.tables import DAILY, STEPS, TRADES
from distill_platform.testing.bundles import sample_bundle, sample_manifest

GATES = ("stage0_integrity", "stage1_dev", "stage2_wf", "stage3_stress")
OPEN = (GateStatus.PASS, GateStatus.WATCH)
_WORLD = Path(__file__).parents[2] / "config" / "worlds" / "us_equity_daily.yaml"
_BPS = 1e-4


@dataclass(frozen=True)
class Verdict:
    """What became of one strategy: its t-statistic, which gates it opens by themselves, and whether all of them.

    `profile` is what its profile says, `failed` the reason codes of what it fails by.
    """

    t: float
    dsr: float
    pbo: float
    alone: tuple[bool, ...]
    reaches_stage3: bool
    profile: str
    failed: tuple[str, ...]


@cache
def world() -> tuple[World, EvaluationTerms]:
    """Return the shipped world and its terms."""
    found = load_world(_WORLD)
    return found, terms_of(found)


def cost_bps() -> float:
    """Return what the world charges for turnover."""
    return world()[1].fee_bps + world()[1].slippage_bps


class Cohort:
    """A cohort that was handed in whole: every strategy of it has a record."""

    def __init__(self, draw: Draw, books: Sequence[Book]) -> None:
        self._draw, self._books = draw, books
        nets = [book.net(cost_bps()) for book in books]
        self._members = [_member(f"run-{number:02d}", net, draw) for number, net in enumerate(nets)]
        self._records = [_record(member, len(books)) for member in self._members]
        self.t = np.array([record.sharpe or 0.0 for record in self._records]) * np.sqrt(DAYS - 1)
        self._pbo: float | None = None

    def judge(self, number: int) -> Verdict:
        """Return what becomes of one of its strategies."""
        policy, terms = world()
        member = self._members[number]
        n_trials = honest_trials(self._records).n
        deflated = deflated_sharpe(member.net, member.content_sha256, n_trials, self._records)
        measured = run_metrics(_bundle(self._books[number], self._draw), terms).metrics
        cohort = {"robustness.deflated_sharpe_ratio": deflated.probability, "robustness.pbo": self.pbo}
        metrics = measured | cohort
        gates, judgement = judge_gates(policy, metrics), judge_run(policy, Stage.BACKTEST, metrics)
        return Verdict(
            t=float(self.t[number]),
            dsr=deflated.probability,
            pbo=self.pbo,
            alone=tuple(gate.judge(metrics).status in OPEN for gate in policy.gates[: len(GATES)]),
            reaches_stage3=all(gate.status in OPEN for gate in gates[: len(GATES)]),
            profile=judgement.summary.status.value,
            failed=tuple(code for result in judgement.results if result.status is Status.FAIL for code in result.tags),
        )

    @property
    def pbo(self) -> float:
        """Return the probability of overfitting of the cohort, computed when first asked for."""
        if self._pbo is None:
            self._pbo = backtest_overfitting(aligned(self._members)).probability
        return self._pbo


def _member(run_id: str, net: Floats, draw: Draw) -> Member:
    content = hashlib.sha256(net.tobytes()).hexdigest()
    return Member(run_id, run_id, content, False, float("nan"), draw.scene.days, net)


def _record(member: Member, trials: int) -> TrialRecord:
    """Return the record of a run, without making a bundle of each of fifty."""
    known = {
        "run_id": member.run_id, "strategy_id": member.strategy_id, "content_sha256": member.content_sha256,
        "declared_trials": trials, "trial_index": 0, "sharpe": sharpe(member.net), "n_days": len(member.net),
    }  # fmt: skip
    return _any_record().model_copy(update=known)


@cache
def _any_record() -> TrialRecord:
    manifest, tables = sample_bundle(1, days=10)
    return trial_of(Bundle(manifest, tables["steps"], None, None, None, None, "0" * 64), sound=True)


def _bundle(book: Book, draw: Draw) -> Bundle:
    end = (draw.scene.days[-1] + 1).astype("datetime64[us]").item()
    start = draw.scene.days[0].astype("datetime64[us]").item()
    manifest = sample_manifest(
        window={"start": f"{start.isoformat()}Z", "end": f"{end.isoformat()}Z"}, as_of=f"{end.isoformat()}Z"
    )
    steps, trades = _steps(book, draw), _trades(book, draw)
    return Bundle(manifest, steps, trades, _daily(book, draw, steps), None, None, "0" * 64)


def _steps(book: Book, draw: Draw) -> pa.Table:
    terms = world()[1]
    fee, slippage = book.turnover * terms.fee_bps * _BPS, book.turnover * terms.slippage_bps * _BPS
    columns = {
        "ts_end": _ends(draw), "ret_gross": book.gross, "fee": fee, "slippage": slippage, "funding": np.zeros(DAYS),
        "ret_net": book.gross - fee - slippage, "exposure": book.exposure, "turnover": book.turnover,
        "adv_utilization": np.full(DAYS, 0.01), "participation": np.full(DAYS, 0.01), "benchmark_ret": draw.scene.index,
    }  # fmt: skip
    return _table(columns, STEPS.columns)


def _trades(book: Book, draw: Draw) -> pa.Table:
    """Return a trade for each position of each segment; what was closed at its beginning pays with it."""
    terms, ends = world()[1], _ends(draw)
    segment, asset = np.nonzero(book.weights)
    held = book.weights != 0.0
    closing = np.where(held, 0.0, book.traded).sum(axis=1, keepdims=True) / held.sum(axis=1, keepdims=True)
    paid = (book.traded + closing)[segment, asset] * _BPS
    fee, slippage = paid * terms.fee_bps, paid * terms.slippage_bps
    last = np.append(book.starts[1:], DAYS) - 1
    count = len(segment)
    columns = {
        "trade_id": [f"t{number}" for number in range(count)], "ts_open": ends[book.starts[segment]] - 86_400_000_000,
        "ts_close": ends[last[segment]], "symbol": [f"S{number}" for number in asset.tolist()],
        "side": np.where(book.weights[segment, asset] > 0.0, "long", "short").tolist(), "qty": np.ones(count),
        "price_open": np.ones(count), "price_close": np.ones(count), "fee": fee, "slippage": slippage,
        "pnl": book.profits[segment, asset] - fee - slippage,
    }  # fmt: skip
    return _table(columns, TRADES.columns)


def _daily(book: Book, draw: Draw, steps: pa.Table) -> pa.Table:
    closed = np.zeros(DAYS, dtype=np.int64)
    closed[np.append(book.starts[1:], DAYS) - 1] = (book.weights != 0.0).sum(axis=1)
    columns = {
        "day": draw.scene.days.astype(np.int32), "ret_net": steps["ret_net"].to_numpy(),
        "fee": steps["fee"].to_numpy(), "n_trades": closed,
    }  # fmt: skip
    return _table(columns, DAILY.columns)


def _ends(draw: Draw) -> Any:
    return (draw.scene.days + 1).astype("datetime64[us]").astype(np.int64)


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    return pa.table([pa.array(columns[field.name]).cast(field.type) for field in schema], schema=schema)
