"""Features as one writes them in pandas, by the names that ours have."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.frames import Floats
from distill_platform.strategies.bars import FIELDS

PANDAS_KINDS = frozenset(
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
"""The kinds that pandas defines as we do."""


def pandas_features(grid: BarGrid) -> dict[str, Floats]:
    """Return those features by name, shape (T, N) each: a frame per field, a column per symbol, `rolling`."""
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
