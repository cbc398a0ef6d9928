"""Turnover: how much of the equity is traded at each step."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill_platform.stats.series import Series, as_panel, as_series


def turnover(weights: Any, initial: Any = None) -> Series:
    """Return the traded value over equity at each of T steps, sum over assets of |change of weight|, shape (T,).

    `weights` has shape (T, K), positions over equity after each step's trades; the first trades come from `initial`,
    shape (K,), or from no position at all. This is two-way turnover, purchases plus sales, which is what costs are paid
    on: all out of one asset and into another is 2. One-way turnover, as funds report it, is half of it. Weights that
    drift with prices count as traded. O(T K).

    Raises ValueError for no steps or assets, an `initial` of another length, other shapes, NaN and infinities.
    """
    panel = as_panel(weights, name="weights")
    if panel.size == 0:
        raise ValueError(f"weights must hold at least one step and one asset, not shape {panel.shape}")
    start = np.zeros(panel.shape[1]) if initial is None else as_series(initial, name="initial")
    if len(start) != panel.shape[1]:
        raise ValueError(f"initial has {len(start)} assets and weights have {panel.shape[1]}")
    traded: Series = np.abs(np.diff(panel, axis=0, prepend=start[np.newaxis])).sum(axis=1)
    return traded
