"""Positions: scores become target weights by a rule that remembers no longer than it holds."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from distill_platform.core.config import StrictModel
from distill_platform.core.errors import ModelError
from distill_platform.core.kernel import kernel
from distill_platform.models.frames import FeatureFrame, Floats, Integers
from distill_platform.strategies.bars import Bars

_Share = Annotated[float, Field(gt=0.0, le=1.0)]


class SizingSettings(StrictModel):
    """How scores become weights. It is handed on as a value and sealed with every run: nothing else can change a size.

    Each score is held for `hold_bars`, the label's horizon. Scores smaller than `threshold` scales are not traded.
    `max_gross` bounds the sum of sizes as a share of equity. A position nearer to its target than `rebalance_band`, a
    share of equity, is left alone (the engine's rule).
    """

    hold_bars: Annotated[int, Field(ge=1, le=10_000)] = 24
    threshold: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.25
    max_gross: _Share = 1.0
    rebalance_band: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.01


def score_panel(frame: FeatureFrame, scores: Floats, bars: Bars) -> Floats:
    """Return the scores by bar and symbol of `bars`, shape (T, N), NaN where there is none or the row is unusable.

    Scores of moments at which there is no bar are left out: nobody could trade on them. Raises ModelError for scores of
    another number of rows, and for symbols that are not among the bars'.
    """
    if len(scores) != len(frame):
        raise ModelError(f"{len(scores)} scores do not fit {len(frame)} rows")
    columns = {symbol: place for place, symbol in enumerate(bars.symbols)}
    if strangers := [symbol for symbol in frame.symbols if symbol not in columns]:
        raise ModelError(f"scores are of {strangers[0]!r}, which is not among the bars' symbols")
    places = np.minimum(np.searchsorted(bars.ts, frame.ts), len(bars) - 1)
    kept = (bars.ts[places] == frame.ts) & frame.is_usable
    panel = np.full((len(bars), len(bars.symbols)), np.nan)
    by_symbol = np.array([columns[symbol] for symbol in frame.symbols], dtype=np.int64)
    panel[places[kept], by_symbol[frame.symbol[kept]]] = scores[kept]
    return panel


def target_weights(scores: Floats, ts: Integers, scale: float, settings: SizingSettings, bar_ns: int) -> Floats:
    """Return target weights as shares of equity, shape (T, N), for scores (T, N) at the bars `ts`.

    A score becomes clip(score / scale, -1, 1) / N, 0 below the threshold, and is held for `hold_bars` bars of time: the
    weight is the mean over the scores of that time, which overlap as the labels do (Jegadeesh and Titman 1993). A
    missing bar holds nothing. Where a symbol has no score, or an infinite one, its weight is 0 at once, and nothing is
    held for that score later: nobody is in the market blind. Rows whose sizes sum to more than `max_gross` are scaled
    down to it. A weight depends on nothing later than its bar, and on nothing older than the holding time, to the bit.
    `scale` is the scores' root mean square out of fold.

    Raises ModelError for a scale that is not positive.
    """
    if not 0.0 < scale < np.inf:
        raise ModelError(f"scores cannot be traded in units of {scale}")
    known = np.isfinite(scores)
    with np.errstate(over="ignore"):  # cut to 1 in the next step but one
        units = np.divide(scores, scale, out=np.zeros(scores.shape), where=known)
    units[np.abs(units) < settings.threshold] = 0.0
    held = _held(np.clip(units, -1.0, 1.0), ts, settings.hold_bars, bar_ns) / scores.shape[1]
    held[~known] = 0.0
    gross = np.abs(held).sum(axis=1, keepdims=True)
    weights: Floats = np.where(
        gross > settings.max_gross, held * (settings.max_gross / np.maximum(gross, 1e-300)), held
    )
    return weights


@kernel
def _held(units: Floats, ts: Integers, hold_bars: int, bar_ns: int) -> Floats:
    """Return the sum of what was decided over the last `hold_bars` bars of time, newest first, over their number."""
    held = np.zeros(units.shape)
    for row in range(units.shape[0]):
        for column in range(units.shape[1]):
            total = 0.0
            earlier = row
            while earlier >= 0 and ts[row] - ts[earlier] < hold_bars * bar_ns:
                total += units[earlier, column]
                earlier -= 1
            held[row, column] = total / hold_bars
    return held
