"""A generated market: hourly bars of a few symbols that share a factor, and the headlines that move them, or do not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.feeds.sample.headlines import HEADLINES, Story, told

Floats = npt.NDArray[np.float64]

HOUR_US = 3_600_000_000
SOURCE = "sample_candles"
_DRIFT_HOURS = 12
_REACH_HOURS = 12
_HOURLY_VOLATILITY = 0.006
_FACTOR_SHARE = 0.25
_VOLATILITY_MEMORY = 0.97
_VOLATILITY_OF_VOLATILITY = 0.05
_STORIES_PER_DAY = 1.2
_BLOCK_HOURS = 168


class MarketTruth(StrEnum):
    """What headlines have to do with prices."""

    EDGE = "edge"
    """Prices drift for hours after a headline, in its direction: who reads it earns."""
    NONE = "none"
    """Nothing: headlines are written without looking at prices."""
    SHUFFLED = "shuffled"
    """The headlines of the market with the edge, in blocks of a week that stand in another order."""
    LEAKED = "leaked"
    """Headlines are written in hindsight, of the largest moves, and dated back to before them."""


@dataclass(frozen=True)
class SampleMarket:
    """What a market is made of; the same in every field gives the same market.

    `strength` is the drift an hour after a headline, as a fraction of hourly volatility.
    """

    truth: MarketTruth = MarketTruth.EDGE
    seed: int = 7
    symbols: tuple[str, ...] = ("ALD_USD", "BOR_USD", "CIN_USD", "DOR_USD")
    start: datetime = datetime(2024, 12, 16, tzinfo=UTC)
    days: int = 497
    strength: float = 0.17
    outages: int = 3

    @property
    def hours(self) -> int:
        """Return the number of hours T."""
        return 24 * self.days


@dataclass(frozen=True)
class GeneratedMarket:
    """Bars as `MARKET_BARS` and headlines as `HEADLINES`, as their publishers would hand them out."""

    bars: pa.Table
    headlines: pa.Table


def generate(market: SampleMarket) -> GeneratedMarket:
    """Return the bars and headlines of a market."""
    dice = np.random.default_rng([market.seed, 1])
    noise = _noise(market, dice)
    stories = _stories(market, np.random.default_rng([market.seed, 2]))
    drifts = market.truth in (MarketTruth.EDGE, MarketTruth.SHUFFLED)
    returns = noise + (_drift(market, stories, noise) if drifts else 0.0)
    if market.truth is MarketTruth.LEAKED:
        stories = _in_hindsight(stories, returns)
    if market.truth is MarketTruth.SHUFFLED:
        stories = _reordered(market, stories, np.random.default_rng([market.seed, 3]))
    bars = _bars(market, returns, np.random.default_rng([market.seed, 4]))
    headlines = told(stories, market.symbols, _start_us(market), np.random.default_rng([market.seed, 5]))
    return GeneratedMarket(bars, pa.Table.from_pylist(headlines, HEADLINES))


def _noise(market: SampleMarket, dice: np.random.Generator) -> Floats:
    """Return log returns, shape (T, N): a factor and what is each symbol's own, under volatility that wanders."""
    shape = (market.hours, len(market.symbols))
    shocks = dice.standard_normal(market.hours) * _VOLATILITY_OF_VOLATILITY
    level = np.empty(market.hours)
    state = 0.0
    for hour, shock in enumerate(shocks):
        state = _VOLATILITY_MEMORY * state + shock
        level[hour] = state
    factor = dice.standard_normal((market.hours, 1)) * np.sqrt(_FACTOR_SHARE)
    own = dice.standard_normal(shape) * np.sqrt(1.0 - _FACTOR_SHARE)
    noise: Floats = (factor + own) * _HOURLY_VOLATILITY * np.exp(level)[:, None]
    return noise


def _stories(market: SampleMarket, dice: np.random.Generator) -> list[Story]:
    """Return what is reported, by hour: of whom, and whether it is good or bad for them."""
    happens = dice.random((market.hours, len(market.symbols))) < _STORIES_PER_DAY / 24
    found = np.argwhere(happens)
    tones = dice.choice([-1, 0, 1], size=len(found), p=[0.4, 0.2, 0.4])
    return [Story(int(hour), int(symbol), int(tone)) for (hour, symbol), tone in zip(found, tones, strict=True)]


def _drift(market: SampleMarket, stories: list[Story], noise: Floats) -> Floats:
    drift = np.zeros_like(noise)
    for story in stories:
        after = slice(story.hour + 1, story.hour + 1 + _DRIFT_HOURS)
        drift[after, story.symbol] += story.tone * market.strength * _HOURLY_VOLATILITY
    return drift


def _in_hindsight(stories: list[Story], returns: Floats) -> list[Story]:
    """Return the stories, each of the largest move that began within hours of it, in the move's direction."""
    ahead = _ahead(returns)
    written = []
    for story in stories:
        first = max(story.hour - _REACH_HOURS, 0)
        moves = ahead[first : story.hour + _REACH_HOURS, story.symbol]
        place = int(np.argmax(np.abs(moves)))
        written.append(Story(first + place, story.symbol, int(np.sign(moves[place]))))
    return sorted(written)


def _ahead(returns: Floats) -> Floats:
    """Return the log return over the hours in which a headline moves prices, from each hour on, shape (T, N)."""
    ends = np.minimum(np.arange(len(returns)) + 1 + _DRIFT_HOURS, len(returns))
    summed = np.vstack([np.zeros((1, returns.shape[1])), np.cumsum(returns, axis=0)])
    ahead: Floats = summed[ends] - summed[np.minimum(np.arange(len(returns)) + 1, len(returns))]
    return ahead


def _reordered(market: SampleMarket, stories: list[Story], dice: np.random.Generator) -> list[Story]:
    blocks = -(-market.hours // _BLOCK_HOURS)
    order = dice.permutation(blocks)
    moved = [
        Story(
            int(order[story.hour // _BLOCK_HOURS]) * _BLOCK_HOURS + story.hour % _BLOCK_HOURS, story.symbol, story.tone
        )
        for story in stories
    ]
    return sorted(story for story in moved if story.hour < market.hours)


def _bars(market: SampleMarket, returns: Floats, dice: np.random.Generator) -> pa.Table:
    """Return the bars of all hours but those of the outages, in which no symbol trades."""
    closes = 100.0 * np.exp(np.cumsum(returns, axis=0))
    opens = np.vstack([np.full((1, closes.shape[1]), 100.0), closes[:-1]])
    reach = np.abs(dice.standard_normal((2, *closes.shape))) * _HOURLY_VOLATILITY / 2
    highs = np.maximum(opens, closes) * np.exp(reach[0])
    lows = np.minimum(opens, closes) * np.exp(-reach[1])
    volumes = np.exp(dice.standard_normal(closes.shape) * 0.5 + 40.0 * np.abs(returns)) * 1_000.0
    traded = _traded(market, dice)
    ends = _start_us(market) + HOUR_US * (1 + np.flatnonzero(traded))
    columns = {
        "symbol": np.tile(market.symbols, traded.sum()),
        "ts_end": np.repeat(ends, len(market.symbols)).astype("datetime64[us]"),
        **{
            name: panel[traded].ravel().round(6)
            for name, panel in (("open", opens), ("high", highs), ("low", lows), ("close", closes), ("volume", volumes))
        },
        "source": np.full(traded.sum() * len(market.symbols), SOURCE),
    }
    return pa.table([pa.array(columns[field.name]).cast(field.type) for field in MARKET_BARS], schema=MARKET_BARS)


def _traded(market: SampleMarket, dice: np.random.Generator) -> npt.NDArray[np.bool_]:
    traded = np.ones(market.hours, np.bool_)
    for start in dice.integers(_BLOCK_HOURS, market.hours - _BLOCK_HOURS, size=market.outages):
        traded[start : start + int(dice.integers(2, 9))] = False
    return traded


def _start_us(market: SampleMarket) -> int:
    return int(market.start.timestamp()) * 1_000_000
