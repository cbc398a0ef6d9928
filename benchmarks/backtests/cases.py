"""The cases: random bars and targets that both engines can follow, from small to large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill_platform.strategies.bars import Bars
from distill_platform.strategies.engine.costs import CostProfile, ExecutionLimits

CAPITAL = 1_000_000.0
COSTS = CostProfile(fee_bps=5.0)
LIMITS = ExecutionLimits()
SIZES = ((8_313, 20), (2_520, 500), (2_520, 2_000))
_DAY = 86_400 * 10**9


@dataclass(frozen=True)
class BacktestCase:
    """Bars and target weights, shape (T, N): long and short, at most 80 % invested, so that cash never runs short."""

    bars: Bars
    weights: npt.NDArray[np.float64]

    @property
    def bar_steps(self) -> int:
        """Return how many bars of single symbols there are."""
        return int(self.weights.size)


def random_case(count: int, symbols: int, seed: int = 0) -> BacktestCase:
    """Return a case in which positions are held for about ten bars, and as many symbols are flat as are held."""
    random = np.random.default_rng(seed)
    closes = 50.0 * np.exp(np.cumsum(random.normal(0.0, 0.01, (count, symbols)), axis=0))
    sides = np.where(random.random((count, symbols)) < 0.1, random.integers(-1, 3, (count, symbols)), 9)
    sides[0] = 1
    held = np.maximum.accumulate(np.where(sides != 9, np.arange(count)[:, None], 0), axis=0)
    weights = np.clip(np.take_along_axis(sides, held, axis=0), -1, 1) * (0.8 / symbols)
    ts = 10_000 * _DAY + _DAY * np.arange(count)
    return BacktestCase(Bars(ts, tuple(f"S{n}" for n in range(symbols)), closes), weights)
