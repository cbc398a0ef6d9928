"""Markets without memory of their future: returns that no strategy decided today can know."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

import numpy as np
import numpy.typing as npt

from distill_platform.stats import resample_indices, utc_days
from distill_platform.strategies.market.presets import SP500_DAILY, load_preset

DAYS = 1_260
"""Five years of trading."""

MEAN_BLOCK = 20.0
_AUTOCORRELATION = 0.1
_SHAPE = 4.0  # a gamma distribution with a skewness of 2 / sqrt(4) = 1, here turned round
_DAY_VOLATILITY = 0.01

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


class Kind(StrEnum):
    """Where returns come from: stocks of the S&P 500 in resampled blocks, or a formula."""

    REAL = "real"
    AUTOCORRELATED = "autocorrelated"
    SKEWED = "skewed"


@dataclass(frozen=True, eq=False)
class Scene:
    """Five years of returns: of `returns`, shape (days, assets), and of the index; `days` are the last real ones."""

    days: Days = field(repr=False)
    returns: Floats = field(repr=False)
    index: Floats = field(repr=False)


def scene(kind: Kind, assets: int, dice: np.random.Generator) -> Scene:
    """Return a market to trade on.

    Real returns are those of twenty large stocks since 1990, whole days of all of them at once, in blocks of twenty
    days on average (Politis and Romano 1994): volatility clusters, tails and crashes together stay as they were. Those
    by formula are `assets` independent series: autocorrelated by 0.1, or with a skewness of -1.
    """
    days, stocks, index = _history()
    if kind is Kind.REAL:
        rows = resample_indices(len(stocks), MEAN_BLOCK, seed=int(dice.integers(2**63)))[:DAYS]
        return Scene(days, stocks[rows], index[rows])
    noise = _autocorrelated(assets, dice) if kind is Kind.AUTOCORRELATED else _skewed(assets, dice)
    return Scene(days, _DAY_VOLATILITY * noise, index[-DAYS:])


@cache
def _history() -> tuple[Days, Floats, Floats]:
    market = load_preset(SP500_DAILY)
    assert market.benchmark is not None
    days = utc_days(market.bars.ts.astype("datetime64[ns]"))[-DAYS:]
    stocks, index = (np.diff(prices, axis=0) / prices[:-1] for prices in (market.bars.close, market.benchmark))
    return days, stocks, index


def _autocorrelated(assets: int, dice: np.random.Generator) -> Floats:
    noise = dice.standard_normal((DAYS, assets))
    for row in range(1, DAYS):
        noise[row] = _AUTOCORRELATION * noise[row - 1] + np.sqrt(1 - _AUTOCORRELATION**2) * noise[row]
    return noise


def _skewed(assets: int, dice: np.random.Generator) -> Floats:
    skewed: Floats = (_SHAPE - dice.standard_gamma(_SHAPE, (DAYS, assets))) / np.sqrt(_SHAPE)
    return skewed
