"""Oscillators: indicators that move between fixed bounds."""

from __future__ import annotations

import numpy as np

from distill_platform.strategies.kinds.averages import Window
from distill_platform.strategies.kinds.kind import Panel, node_kind, panel
from distill_platform.strategies.kinds.smoothing import smoothed


@node_kind("rsi", ports=(panel("price"),), params=Window, neutral=50.0, example={"window": 14})
def rsi(params: Window, price: Panel) -> Panel:
    """Return Wilder's relative strength index over `window` changes, 0 to 100, NaN if the price did not move at all.

    100 x gain / (gain + loss), both smoothed with weight 1 / window from their plain means. Wilder (1978).
    """
    change = np.diff(price, axis=0, prepend=np.nan)
    gain = smoothed(np.maximum(change, 0.0), 1.0 / params.window, params.window)
    loss = smoothed(np.maximum(-change, 0.0), 1.0 / params.window, params.window)
    moved = gain + loss
    return 100.0 * gain / np.where(moved > 0.0, moved, np.nan)
