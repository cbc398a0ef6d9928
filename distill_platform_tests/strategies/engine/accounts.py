"""What the engine's tests run it on: small markets written out, and random ones with everything that can go wrong."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from distill_platform.strategies.bars import Bars
from distill_platform.strategies.engine.backtest import BacktestResult, backtest
from distill_platform.strategies.engine.costs import CostProfile, ExecutionLimits

DAY = 86_400 * 10**9
START = 19_000 * DAY
FREE = CostProfile()
NO_LIMITS = ExecutionLimits()


def bars(closes: Any, *, opens: Any = None, volumes: Any = None, every: int = DAY) -> Bars:
    """Bars of symbols A, B, ... from rows of closes, or of one symbol from a flat list; the first ends on START."""
    panels = [None if values is None else np.array(values, float) for values in (closes, opens, volumes)]
    close, opening, volume = (panel[:, None] if panel is not None and panel.ndim == 1 else panel for panel in panels)
    symbols = tuple("ABCDEFGH"[: close.shape[1]])
    return Bars(START + every * np.arange(len(close)), symbols, close, open=opening, volume=volume)


def run(
    weights: Any, on: Bars, costs: CostProfile = FREE, limits: ExecutionLimits = NO_LIMITS, **more: Any
) -> BacktestResult:
    """A backtest of an account of 1,000."""
    rows = np.array(weights, float)
    return backtest(rows[:, None] if rows.ndim == 1 else rows, on, costs, limits, capital=1_000.0, **more)


def column(result: BacktestResult, name: str, table: str = "steps") -> list[Any]:
    found: list[Any] = result.tables()[table][name].to_pylist()
    return found


@st.composite
def accounts(draw: st.DrawFn) -> BacktestResult:
    """Any account: missing bars, missing volumes, flips, leverage, ruin, costs and limits of every kind."""
    count, symbols = draw(st.integers(1, 30)), draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = (count, symbols)
    volatility = draw(st.sampled_from([0.0, 0.02, 0.5]))
    close = 10.0 * np.exp(np.cumsum(random.normal(0.0, volatility, shape), axis=0))
    close[random.random(shape) < draw(st.sampled_from([0.0, 0.3]))] = np.nan
    opens = close * np.exp(random.normal(0.0, volatility, shape)) if draw(st.booleans()) else None
    volumes = random.integers(0, 200, shape).astype(float) if draw(st.booleans()) else None
    market = Bars(
        START + DAY * np.cumsum(random.integers(1, 5, count)), tuple("ABCD"[:symbols]), close, opens, volume=volumes
    )
    leverage = draw(st.sampled_from([0.3, 1.0, 4.0]))
    weights = random.choice([0.0, 1.0, -1.0, 0.5, np.nan], shape) * random.random(shape) * leverage
    costs = CostProfile(*(draw(st.sampled_from([0.0, 1.0, 30.0])) for _ in range(3)))
    limits = ExecutionLimits(
        lot_size=draw(st.sampled_from([0.0, 1.0, 0.1, 7.0])),
        min_notional=draw(st.sampled_from([0.0, 50.0])),
        max_notional=draw(st.sampled_from([np.inf, 400.0])),
        max_participation=draw(st.sampled_from([np.inf, 0.25])),
        rebalance_band=draw(st.sampled_from([0.0, 0.1])),
    )
    return run(weights, market, costs, limits)
