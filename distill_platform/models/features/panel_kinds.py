"""Features of the panel: a symbol beside the others of the same moment."""

from __future__ import annotations

from distill_platform.models.features.kind import FeatureGroup, feature_kind
from distill_platform.models.features.observed import Observed
from distill_platform.models.features.price_kinds import log_return
from distill_platform.models.features.windows import (
    ratio,
    window_sum,
)
from distill_platform.strategies.bars import Panel
from distill_platform.strategies.kinds.cross_section import rank
from distill_platform.strategies.kinds.kind import NoParams

_PANEL = FeatureGroup.PANEL


@feature_kind("rank", _PANEL, lambda window: window + 1)
def momentum_rank(seen: Observed, window: int) -> Panel:
    """Return the rank of the log return over `window` bars among the symbols that have one, from -0.5 to 0.5."""
    return rank(NoParams(), log_return(seen, window))


@feature_kind("log", _PANEL, lambda window: window + 1)
def market_return(seen: Observed, window: int) -> Panel:
    """Return the sum over `window` bars of the mean log return of all symbols that have one."""
    return window_sum(seen.market_returns, window)


@feature_kind("ratio", _PANEL, lambda window: window + 1)
def market_beta(seen: Observed, window: int) -> Panel:
    """Return the slope of `window` log returns on those of the equally weighted market; NaN where that does not vary.

    Sharpe (1964). The symbol is part of the market: alone, it has a beta of 1.
    """
    market = seen.windowed_market_returns(window)
    return ratio(seen.windowed_returns(window).comoment(market), market.variation)


@feature_kind("correlation", _PANEL, lambda window: window + 1)
def market_correlation(seen: Observed, window: int) -> Panel:
    """Return the correlation of `window` log returns with those of the equally weighted market; NaN if one is flat."""
    return seen.windowed_returns(window).correlation(seen.windowed_market_returns(window))
