"""Observed: the panels that features are computed from, each derived once from a grid of bars."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.windows import Windowed, logarithm, shifted
from distill_platform.models.frames import Floats
from distill_platform.strategies.bars import Panel
from distill_platform.strategies.kinds.cross_section import market
from distill_platform.strategies.kinds.kind import NoParams


@dataclass(frozen=True, eq=False)
class Observed:
    """Panels of shape (T, N), NaN where a bar that they need is missing."""

    grid: BarGrid
    _windows: dict[tuple[str, int], Windowed] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def log_close(self) -> Panel:
        """Return the logarithm of the close."""
        return logarithm(self.grid.field("close"))

    @cached_property
    def log_open(self) -> Panel:
        """Return the logarithm of the open."""
        return logarithm(self.grid.field("open"))

    @cached_property
    def log_high(self) -> Panel:
        """Return the logarithm of the high."""
        return logarithm(self.grid.field("high"))

    @cached_property
    def log_low(self) -> Panel:
        """Return the logarithm of the low."""
        return logarithm(self.grid.field("low"))

    @cached_property
    def returns(self) -> Panel:
        """Return the log return of each bar."""
        return self.log_close - shifted(self.log_close, 1)

    @cached_property
    def market_returns(self) -> Panel:
        """Return the mean log return of the symbols that have one, the same for each of them."""
        return market(NoParams(), self.returns)

    @cached_property
    def squared_returns(self) -> Panel:
        """Return the square of the log return of each bar."""
        return self.returns * self.returns

    def windowed_returns(self, window: int) -> Windowed:
        """Return the log returns as windows of some length show them."""
        return self._windowed("returns", window)

    def windowed_squared_returns(self, window: int) -> Windowed:
        """Return the squared log returns as windows of some length show them."""
        return self._windowed("squared_returns", window)

    def windowed_market_returns(self, window: int) -> Windowed:
        """Return the log returns of the market as windows of some length show them."""
        return self._windowed("market_returns", window)

    @cached_property
    def dollar_volume(self) -> Panel:
        """Return close times volume, in the currency of the prices."""
        return self.grid.field("close") * self.grid.field("volume")

    @cached_property
    def missing(self) -> Panel:
        """Return 1 where there is no bar, else 0; never NaN."""
        return self.grid.is_missing.astype(np.float64)

    @cached_property
    def stale(self) -> Panel:
        """Return 1 where a bar says nothing new, else 0; never NaN."""
        return self.grid.is_stale.astype(np.float64)

    def everywhere(self, values: Floats) -> Panel:
        """Return a panel that says the same of all symbols, from one value for each moment, shape (T,)."""
        return np.repeat(values[:, np.newaxis], len(self.grid.symbols), axis=1)

    def _windowed(self, name: str, window: int) -> Windowed:
        if (name, window) not in self._windows:
            self._windows[name, window] = Windowed(getattr(self, name), window)
        return self._windows[name, window]
