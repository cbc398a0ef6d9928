"""Features: five years of hourly bars of five symbols, beside what one writes with pandas; and one moment online."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from distill_platform.feeds.events.event import EVENTS, MARKET
from distill_platform.feeds.events.projecting import ProjectionSettings
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.catalogue import catalogue, history_bars
from distill_platform.models.features.kind import KINDS
from distill_platform.models.features.observed import Observed
from distill_platform.models.features.settings import FeatureSettings
from distill_platform.models.frame_building import build_features, features_at
from distill_platform.models.frames import Floats
from distill_platform.strategies.bars import FIELDS, Bars

AGREES_TO = 1e-6

_HOUR = 3_600 * 10**9
_START = 438_288 * _HOUR
_SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE")
_MOMENTS = 5 * 365 * 24
_EVENTS = 100_000
_CALLS = 50
_SETTINGS = FeatureSettings()
_WITH_EVENTS = FeatureSettings(events=ProjectionSettings())


@dataclass(frozen=True)
class FeatureRates:
    """Best CPU seconds of several laps, in alternation.

    `whole_s` is a frame of all `features` of bars, with its hashes; `with_events_s` one with those of events as well.
    `ours_s` and `pandas_s` are the `shared` features that pandas defines alike, without a frame around them; `gap` is
    their largest difference beside the spread of the feature. `online_s` is the frame of one moment.
    """

    rows: int
    features: int
    shared: int
    events: int
    whole_s: float
    with_events_s: float
    ours_s: float
    pandas_s: float
    gap: float
    online_s: float

    @property
    def ratio(self) -> float:
        """Return how many times as long pandas takes for the same numbers."""
        return self.pandas_s / self.ours_s

    @property
    def rows_per_s(self) -> float:
        """Return the rows of frames of bar features made in a CPU second."""
        return self.rows / self.whole_s


def measure_features(laps: int, share: float = 1.0) -> FeatureRates:
    """Return what features cost on `share` of five years; the first call, which compiles, does not count.

    Raises AssertionError if pandas gives other numbers.
    """
    count = max(round(_MOMENTS * share), 2 * history_bars(_SETTINGS))
    grid, events = market_grid(count), event_table(count, round(_EVENTS * share))
    ours, theirs = _ours(grid), _pandas(grid)
    gap = max(_gap(ours[name], theirs[name]) for name in theirs)
    if not gap <= AGREES_TO:
        raise AssertionError(f"features are {gap:.2g} of their spread apart from those of pandas")
    works: dict[str, Callable[[], object]] = {
        "whole": lambda: build_features(grid, None, _SETTINGS),
        "with events": lambda: build_features(grid, events, _WITH_EVENTS),
        "ours": lambda: _ours(grid),
        "pandas": lambda: _pandas(grid),
        "online": lambda: _online(grid),
    }
    best = _best(works, laps)
    return FeatureRates(
        rows=count * len(_SYMBOLS),
        features=len(catalogue(_SETTINGS)),
        shared=len(theirs),
        events=events.num_rows,
        whole_s=best["whole"],
        with_events_s=best["with events"],
        ours_s=best["ours"],
        pandas_s=best["pandas"],
        gap=gap,
        online_s=best["online"] / _CALLS,
    )


def _best(works: dict[str, Callable[[], object]], laps: int) -> dict[str, float]:
    best = dict.fromkeys(works, math.inf)
    for lap in range(laps + 1):
        for name, work in works.items():
            start = time.process_time()
            work()
            if lap > 0:
                best[name] = min(best[name], time.process_time() - start)
    return best


def _ours(grid: BarGrid) -> dict[str, Floats]:
    """Return the features that pandas has alike, by name, shape (T, N) each."""
    seen = Observed(grid)
    shared = (feature for feature in catalogue(_SETTINGS) if feature.kind in _PANDAS_KINDS)
    return {feature.name: KINDS[feature.kind].panel(seen, feature.windows) for feature in shared}


def _online(grid: BarGrid) -> None:
    need = history_bars(_SETTINGS)
    for row in range(need, need + _CALLS):
        features_at(grid, None, int(grid.ts[row]), _SETTINGS)


_PANDAS_KINDS = frozenset(
    {
        "log_return",
        "realized_volatility",
        "volatility_ratio",
        "scaled_momentum",
        "high_distance",
        "low_distance",
        "relative_strength",
        "parkinson_volatility",
        "garman_klass_volatility",
        "return_autocorrelation",
        "return_skewness",
        "volume_z_score",
        "dollar_volume_change",
        "amihud_illiquidity",
        "momentum_rank",
        "market_return",
        "market_beta",
        "market_correlation",
    }
)


def _pandas(grid: BarGrid) -> dict[str, Floats]:
    """Return the same features as one writes them in pandas: a frame per field, a column per symbol, `rolling`."""
    opened, high, low, close, volume = (pd.DataFrame(grid.field(name)) for name in FIELDS)
    log = np.log(close)
    r = log.diff()
    market = r.mean(axis=1)
    span, body, money = np.log(high / low), np.log(close / opened), close * volume
    squares, traded = r**2, money.rolling(24).sum()
    skew_n = 168
    unbiased = math.sqrt(skew_n * (skew_n - 1)) / (skew_n - 2)
    garman_klass = 0.5 * span**2 - (2 * math.log(2) - 1) * body**2
    beta = {column: r[column].rolling(168).cov(market) / market.rolling(168).var() for column in r}
    found = {f"log_return_{window}": log.diff(window) for window in (1, 3, 6, 12, 24, 72, 168)}
    for window in (24, 168):
        found[f"realized_volatility_{window}"] = squares.rolling(window).mean() ** 0.5
        found[f"scaled_momentum_{window}"] = log.diff(window) / (r.rolling(window).std() * math.sqrt(window))
        found[f"high_distance_{window}"] = log - np.log(high.rolling(window).max())
        found[f"low_distance_{window}"] = log - np.log(low.rolling(window).min())
        z_score = (volume - volume.rolling(window).mean()) / volume.rolling(window).std()
        found[f"volume_z_score_{window}"] = z_score
        ranks = log.diff(window).rank(axis=1)
        found[f"momentum_rank_{window}"] = (ranks - 1) / (len(grid.symbols) - 1) - 0.5
    found |= {
        "volatility_ratio_24_168": found["realized_volatility_24"] / found["realized_volatility_168"] - 1,
        "relative_strength_14": r.clip(lower=0).rolling(14).sum() / r.abs().rolling(14).sum() - 0.5,
        "parkinson_volatility_24": ((span**2).rolling(24).mean() / (4 * math.log(2))) ** 0.5,
        "garman_klass_volatility_24": garman_klass.rolling(24).mean() ** 0.5,
        "return_autocorrelation_168": r.rolling(168).corr(r.shift(1)),
        "return_skewness_168": r.rolling(skew_n).skew() / unbiased,
        "dollar_volume_change_24": np.log(traded / traded.shift(24)),
        "amihud_illiquidity_168": (r.abs() / money).rolling(168).mean() * 1e6,
        "market_return_24": pd.DataFrame(dict.fromkeys(r, market.rolling(24).sum())),
        "market_beta_168": pd.DataFrame(beta),
        "market_correlation_168": pd.DataFrame({column: r[column].rolling(168).corr(market) for column in r}),
    }
    return {name: frame.to_numpy() for name, frame in found.items()}


def _gap(ours: Floats, theirs: Floats) -> float:
    """Return the largest difference beside the spread of the feature, after the first rows; NaN counts as different."""
    known = slice(history_bars(_SETTINGS), None)
    return float(np.abs(ours[known] - theirs[known]).max() / theirs[known].std())


def market_grid(count: int) -> BarGrid:
    """Return so many moments of hourly bars of five symbols."""
    random, shape = np.random.default_rng(0), (count, len(_SYMBOLS))
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.006, shape), axis=0))
    opened = close * np.exp(random.normal(0.0, 0.002, shape))
    high = np.maximum(opened, close) * np.exp(np.abs(random.normal(0.0, 0.002, shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(random.normal(0.0, 0.002, shape)))
    volume = np.exp(random.normal(6.0, 0.7, shape))
    ts = _START + _HOUR * np.arange(count)
    return BarGrid(Bars(ts, _SYMBOLS, open=opened, high=high, low=low, close=close, volume=volume), _HOUR)


def event_table(count: int, reports: int) -> pa.Table:
    """Return reports spread over the moments, about the symbols and the market in turn."""
    random = np.random.default_rng(1)
    when = _START // 1_000 + np.sort(random.integers(0, count * _HOUR // 1_000, reports))
    ids = [f"{number:064x}" for number in range(reports)]
    about = [(*_SYMBOLS, MARKET)[number % (len(_SYMBOLS) + 1)] for number in range(reports)]
    columns = {
        "event_id": ids,
        "symbol": about,
        "kind": ["headline"] * reports,
        "published_at": when,
        "available_at": when,
        "title": ["A report"] * reports,
        "source": ["wire"] * reports,
        "outlet": [f"outlet-{number % 20}" for number in range(reports)],
        "tier": 1 + np.arange(reports, dtype=np.int8) % 3,
        "confidence": np.full(reports, 0.9),
        "quality": np.full(reports, 0.8),
        "polarity": random.uniform(-1.0, 1.0, reports),
        "leads": np.arange(reports) % 4 > 0,
        "cluster_id": ids,
        "synthetic_link": np.zeros(reports, bool),
        "is_low_quality": np.arange(reports) % 7 == 0,
        "link_method": ["name"] * reports,
    }
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in EVENTS]
    return pa.Table.from_arrays(arrays, schema=EVENTS)
