"""The contest: our engine and vectorbt in alternation, after a proof that both did the same."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.backtests.cases import CAPITAL, COSTS, LIMITS, SIZES, BacktestCase, random_case
from distill_platform.strategies.engine.backtest import BacktestResult, backtest
from distill_platform.strategies.engine.book import keep_book
from distill_platform.strategies.engine.kernel import Column
from distill_platform.strategies.engine.round_trips import Field
from distill_platform.strategies.engine.trades import find_trades

_PEER = Path(__file__).with_name("vectorbt_peer.py")
AGREES_TO = 1e-9
TARGET_PER_S = 20_000_000


@dataclass(frozen=True)
class BacktestOutcome:
    """Best CPU times of one case; the peer's are None where it is not installed.

    `equity_gap` is the largest relative difference of the two equity curves, and `orders` and `trades` are how many
    both made, bar by bar the same.
    """

    bars: int
    symbols: int
    simulate_s: float
    whole_s: float
    peer: str
    peer_simulate_s: float | None
    peer_whole_s: float | None
    equity_gap: float | None
    orders: int
    trades: int

    @property
    def bar_steps_per_s(self) -> float:
        """Return the simulated bars of single symbols per CPU second."""
        return self.bars * self.symbols / self.simulate_s

    @property
    def whole_bar_steps_per_s(self) -> float:
        """Return the same with trades and all tables of a run bundle."""
        return self.bars * self.symbols / self.whole_s


def run_backtests(
    laps: int, share: float, python: Path | None, folder: Path, say: Callable[[str], None]
) -> list[BacktestOutcome]:
    """Return the outcome of every size; `share` of its bars. `python` has vectorbt installed, or is None."""
    outcomes = []
    for count, symbols in SIZES:
        case = random_case(max(50, round(count * share)), symbols)
        say(f"Backtest: {len(case.bars):,} bars of {symbols:,} symbols")
        outcomes.append(_compete(case, laps, python, folder))
    return outcomes


def _compete(case: BacktestCase, laps: int, python: Path | None, folder: Path) -> BacktestOutcome:
    def simulate() -> object:
        return keep_book(case.weights, case.bars, COSTS, LIMITS, CAPITAL)

    def everything() -> BacktestResult:
        return backtest(case.weights, case.bars, COSTS, LIMITS, capital=CAPITAL)

    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    result = everything()
    with _peer(case, python, folder) as peer:
        gap = None if peer is None else equity_gap(result, peer.answer)
        for _ in range(laps):
            ours.append((_cpu_seconds(simulate), _cpu_seconds(everything)))
            if peer is not None:
                theirs.append(peer.lap())
    return BacktestOutcome(
        bars=len(case.bars),
        symbols=len(case.bars.symbols),
        simulate_s=min(simulated for simulated, _ in ours),
        whole_s=min(whole for _, whole in ours),
        peer=f"vectorbt {peer.answer['version']}" if peer is not None else "vectorbt",
        peer_simulate_s=min((simulated for simulated, _ in theirs), default=None),
        peer_whole_s=min((whole for _, whole in theirs), default=None),
        equity_gap=gap,
        orders=len(result.orders),
        trades=len(result.trades),
    )


def compared_with_vectorbt(case: BacktestCase, python: Path, folder: Path) -> float:
    """Return the `equity_gap` of a case; `python` has vectorbt installed."""
    with _peer(case, python, folder) as peer:
        assert peer is not None
        return equity_gap(backtest(case.weights, case.bars, COSTS, LIMITS, capital=CAPITAL), peer.answer)


def equity_gap(result: BacktestResult, answer: Any) -> float:
    """Return the largest relative difference between our equity and vectorbt's.

    Raises AssertionError unless both made the same orders and round trips: the same symbols at the same bars, the same
    sizes and average prices.
    """
    book, found = result.book, find_trades(result.book)
    bar, symbol = np.nonzero(book.changes)
    _same("orders", _sorted(bar, symbol, book.changes[bar, symbol]),
          _sorted(answer["order_bar"], answer["order_symbol"], answer["order_size"]))  # fmt: skip
    prices = found[:, Field.IN_VALUE] / found[:, Field.IN_LOTS], found[:, Field.OUT_VALUE] / found[:, Field.OUT_LOTS]
    _same(
        "round trips",
        _sorted(found[:, Field.OPENED], found[:, Field.SYMBOL], found[:, Field.CLOSED], *prices),
        _sorted(
            answer["trade_opened"], answer["trade_symbol"], answer["trade_closed"], answer["trade_price_open"],
            answer["trade_price_close"],
        ),
    )  # fmt: skip
    return float(np.abs(book.column(Column.END) / answer["equity"] - 1.0).max())


def _sorted(*columns: Any) -> Any:
    rows = np.column_stack(columns).astype(float)
    return rows[np.lexsort((rows[:, 1], rows[:, 0]))]


def _same(what: str, ours: Any, theirs: Any) -> None:
    assert ours.shape == theirs.shape, f"{what}: {len(ours)} of ours, {len(theirs)} of vectorbt's"
    np.testing.assert_allclose(ours, theirs, rtol=AGREES_TO, atol=AGREES_TO, err_msg=what)


@dataclass(frozen=True)
class _Peer:
    """A process that runs vectorbt whenever it is told to."""

    process: subprocess.Popen[str]
    answer: Any

    def lap(self) -> tuple[float, float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("lap\n")
        self.process.stdin.flush()
        first, second = self.process.stdout.readline().split()
        return float(first), float(second)


@contextmanager
def _peer(case: BacktestCase, python: Path | None, folder: Path) -> Iterator[_Peer | None]:
    if python is None:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    given, answer = folder / "case.npz", folder / "answer.npz"
    fee = COSTS.fee_bps * 1e-4
    np.savez(given, closes=case.bars.close, weights=case.weights, fee=fee, capital=CAPITAL)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [str(python), str(_PEER), str(given), str(answer)], stdin=pipe, stdout=pipe, text=True
    ) as process:
        try:
            if process.stdout is None or process.stdout.readline().strip() != "ready":
                raise SystemExit(f"{python} did not run {_PEER.name}: is vectorbt installed there?")
            with np.load(answer) as found:
                yield _Peer(process, dict(found))
        finally:
            if process.stdin is not None:
                process.stdin.close()
            given.unlink()
            answer.unlink(missing_ok=True)


def _cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
