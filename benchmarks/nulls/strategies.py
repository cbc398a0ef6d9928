"""Strategies without skill: random positions, held for random times, at the costs of the world; and one with an edge.

An edge is a constant added to what the strategy makes each day before costs, so large that its true Sharpe ratio after
costs is the one asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from benchmarks.nulls.market import DAYS, Floats, Kind, Scene, scene

RUNS = 50
DAYS_A_YEAR = 252
_SIZES = (1, 2, 5, 10, 20)
_SHORTEST, _LONGEST = 8.0, 20.0
_VOLATILITY = 0.10
"""Per year, to which every strategy is sized: a Sharpe ratio has no size, a drawdown has."""

_BPS = 1e-4

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Book:
    """What one strategy held: `weights` of each asset in each of S segments, which begin at the days `starts`.

    `profits`, shape (S, assets), is what each position made before costs, `traded` what was bought and sold for it;
    `gross` and `turnover` are by day.
    """

    starts: Integers = field(repr=False)
    weights: Floats = field(repr=False)
    profits: Floats = field(repr=False)
    traded: Floats = field(repr=False)
    gross: Floats = field(repr=False)
    turnover: Floats = field(repr=False)

    @property
    def exposure(self) -> Floats:
        """Return what was held each day, long and short together, as a multiple of equity."""
        lengths = np.diff(self.starts, append=DAYS)
        exposure: Floats = np.repeat(np.abs(self.weights).sum(axis=1), lengths)
        return exposure

    def net(self, cost_bps: float) -> Floats:
        """Return the daily returns after costs of so many bps of turnover, fee and slippage together."""
        return self.gross - self.turnover * (cost_bps * _BPS)

    def with_edge(self, sharpe: float, cost_bps: float) -> Book:
        """Return the strategy with a true annual Sharpe ratio after costs; luck expects nothing before costs."""
        gain = sharpe / math.sqrt(DAYS_A_YEAR) * float(self.gross.std(ddof=1))
        added = gain + float(self.turnover.mean()) * cost_bps * _BPS
        lengths = np.diff(self.starts, append=DAYS)[:, None]
        held = self.weights != 0.0
        profits = self.profits + np.where(held, added * lengths / held.sum(axis=1, keepdims=True), 0.0)
        return replace(self, gross=self.gross + added, profits=profits)


@dataclass(frozen=True, eq=False)
class Draw:
    """A cohort of strategies without skill on one market."""

    scene: Scene
    books: tuple[Book, ...]


def draw(kind: Kind, dice: np.random.Generator) -> Draw:
    """Return a cohort of `RUNS` strategies; by formula each has an asset of its own, else they share the stocks."""
    found = scene(kind, RUNS, dice)
    if kind is Kind.REAL:
        return Draw(found, tuple(_book(found.returns, dice) for _ in range(RUNS)))
    return Draw(found, tuple(_book(found.returns[:, [number]], dice) for number in range(RUNS)))


def _book(returns: Floats, dice: np.random.Generator) -> Book:
    """Return a strategy that buys or sells short some assets by the toss of a coin, and tosses again now and then."""
    assets = returns.shape[1]
    holding = math.exp(dice.uniform(math.log(_SHORTEST), math.log(_LONGEST)))
    begins = dice.random(DAYS) < 1.0 / holding
    begins[0] = True
    starts = np.flatnonzero(begins)
    size = min(int(dice.choice(_SIZES)), assets)
    chosen = dice.random((len(starts), assets)).argsort(axis=1) < size
    weights = np.where(chosen, dice.choice((-1.0, 1.0), chosen.shape) / size, 0.0)
    held = np.cumsum(begins) - 1
    weights *= _VOLATILITY / math.sqrt(DAYS_A_YEAR) / float((weights[held] * returns).sum(axis=1).std(ddof=1))
    made = weights[held] * returns
    traded = np.abs(np.diff(weights, axis=0, prepend=0.0))
    turnover = np.zeros(DAYS)
    turnover[starts] = traded.sum(axis=1)
    return Book(starts, weights, np.add.reduceat(made, starts, axis=0), traded, made.sum(axis=1), turnover)
