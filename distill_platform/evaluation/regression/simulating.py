"""Simulating: what a strategy of known nature would have made on a market, step by step, at given costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill_platform.evaluation.regression.truths import Nature
from distill_platform.strategies.bundles.account import Account, Floats, Integers

START = np.datetime64("2018-01-01")

_DAYS_A_YEAR = 261
_VOLATILITY = 0.10
_MARKET_VOLATILITY = 0.16
_STATES = np.array([0.6, 1.0, 1.7])
_SHORTEST_SPELL, _LONGEST_SPELL = 180, 260
_DAY = 86_400_000_000
_BPS = 1e-4

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Tariff:
    """What trading costs: basis points of turnover, and of what is held for a day."""

    fee_bps: float
    slippage_bps: float
    funding_bps_daily: float


@dataclass(frozen=True, eq=False)
class _Positions:
    """Which steps are held: side by step (0 for none), and first and last step of each position."""

    side: Floats
    first: Integers
    last: Integers


def simulate(nature: Nature, tariff: Tariff, dice: np.random.Generator) -> Account:
    """Return a run of a nature on weekdays from 2018 on, the same for dice in the same state.

    The market moves normally, in spells of calm, ordinary and wild weather that everybody sees while they last; an edge
    is a drift of the market in the direction of the position. Positions are sized to the weather, so that volatility
    is the same in all of it.
    """
    count = nature.days * nature.steps_per_day
    state = _states(nature.days, dice).repeat(nature.steps_per_day)
    deviation = _STATES[state] * (_MARKET_VOLATILITY / math.sqrt(_DAYS_A_YEAR * nature.steps_per_day))
    size = nature.leverage * _VOLATILITY / _MARKET_VOLATILITY / _STATES[state]
    noise = deviation * dice.standard_normal(count)
    positions = _foreseen(noise, nature.foresight, dice) if nature.foresight else _drawn(nature, dice)
    exposure = positions.side * size
    turnover = _turnover(exposure, positions)
    fee, slippage, funding = _costs(tariff, exposure, turnover, nature.steps_per_day)
    earned_back = float((fee + slippage + funding).sum()) / int((positions.side != 0.0).sum()) / size
    market = noise + positions.side * _edge(nature, state, deviation, earned_back)
    paid = float(nature.pays)
    starts, ends = _clock(nature)
    return Account(
        starts=starts,
        ends=ends,
        net=exposure * market - paid * (fee + slippage + funding),
        fee=paid * fee,
        slippage=paid * slippage,
        funding=paid * funding,
        exposure=exposure,
        turnover=turnover,
        adv_utilization=turnover * dice.uniform(0.005, 0.02, count),
        participation=turnover * dice.uniform(0.005, 0.02, count),
        benchmark=market,
        first=positions.first,
        last=positions.last,
        long=positions.side[positions.first] > 0.0,
        price=dice.uniform(50.0, 150.0, len(positions.first)),
    )


def _states(days: int, dice: np.random.Generator) -> Integers:
    """Return the weather of each day, 0 calm, 1 ordinary, 2 wild: spells of some months, all three in turn."""
    lengths = dice.integers(_SHORTEST_SPELL, _LONGEST_SPELL, endpoint=True, size=days // _SHORTEST_SPELL + 1)
    turns = np.resize(dice.permutation(len(_STATES)), len(lengths))
    return np.repeat(turns, lengths)[:days]


def _drawn(nature: Nature, dice: np.random.Generator) -> _Positions:
    """Return positions of random side and length, one after the other; of each that is not taken, its time is idle."""
    count = nature.days * nature.steps_per_day
    lengths = dice.integers(nature.shortest, nature.longest, endpoint=True, size=count)
    first = np.concatenate([[0], np.cumsum(lengths)])
    first = first[first < count]
    last = np.append(first[1:] - 1, count - 1)
    side = dice.choice((-1.0, 1.0), len(first))
    every = round(1.0 / nature.active)
    taken = np.arange(len(first)) % every == 0
    held = np.repeat(np.where(taken, side, 0.0), last - first + 1)
    return _Positions(held, first[taken], last[taken])


def _foreseen(noise: Floats, foresight: float, dice: np.random.Generator) -> _Positions:
    """Return positions that are on the right side of each step with a probability: they know what is to come."""
    right = dice.random(len(noise)) < foresight
    side = np.where(right, 1.0, -1.0) * np.where(noise > 0.0, 1.0, -1.0)
    first = np.flatnonzero(np.diff(side, prepend=0.0))
    return _Positions(side, first, np.append(first[1:] - 1, len(side) - 1))


def _turnover(exposure: Floats, positions: _Positions) -> Floats:
    """Return what is bought and sold: a position is opened, resized to the weather while it is held, and closed."""
    change = np.abs(np.diff(exposure, prepend=0.0))
    change[positions.first] = 0.0
    turnover = np.where(exposure != 0.0, change, 0.0)
    for edge in (positions.first, positions.last):
        turnover[edge] += np.abs(exposure[edge])
    return turnover


def _costs(tariff: Tariff, exposure: Floats, turnover: Floats, steps_per_day: int) -> tuple[Floats, Floats, Floats]:
    held = np.abs(exposure) / steps_per_day
    return (
        turnover * (tariff.fee_bps * _BPS),
        turnover * (tariff.slippage_bps * _BPS),
        held * (tariff.funding_bps_daily * _BPS),
    )


def _edge(nature: Nature, state: Integers, deviation: Floats, costs: Floats) -> Floats:
    """Return the drift of the market towards the position, by step; `costs` is the one that earns all of them back."""
    ratios = np.array(nature.sharpe)[state] / math.sqrt(_DAYS_A_YEAR * nature.steps_per_day)
    drift: Floats = ratios * deviation + nature.share_of_costs * costs
    drift[len(drift) // 2 :] *= nature.later
    return drift


def _clock(nature: Nature) -> tuple[Integers, Integers]:
    """Return when steps begin and end: all day long on weekdays."""
    days = np.busday_offset(START, np.arange(nature.days), roll="forward").astype(np.int64)
    length = _DAY // nature.steps_per_day
    starts = (days[:, None] * _DAY + np.arange(nature.steps_per_day) * length).ravel()
    return starts, starts + length
