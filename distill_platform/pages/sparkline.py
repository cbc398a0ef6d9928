"""Sparklines: how one number went over time, in the height of a line of a table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from xml.sax.saxutils import quoteattr

_WIDTH, _HEIGHT, _EDGE = 150.0, 30.0, 3.0
_COLOR = "#0072b2"
_LARGEST = 1e12


def sparkline(values: Sequence[float], label: str) -> str:
    """Return a line through values at equal distances as `<svg>`, from 0 up; NaN and what is too large leave a gap.

    `label` is for who cannot see it. A value with gaps on both sides, and the last one, is a dot.
    """
    known = [value for value in values if abs(value) <= _LARGEST]
    low, high = min([0.0, *known]), max([0.0, *known])
    step = (_WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)

    def place(number: int, value: float) -> tuple[float, float]:
        share = (value - low) / (high - low) if high > low else 0.0
        return _EDGE + step * number, _HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE)

    parts = []
    for stretch in _stretches(values):
        points = [place(number, value) for number, value in stretch]
        if len(points) > 1:
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{_COLOR}" stroke-width="1.5"/>')
        if len(points) == 1 or stretch[-1][0] == len(values) - 1:
            parts.append(f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="2.4" fill="{_COLOR}"/>')
    size = f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}"
    return f'<svg class="spark" viewBox="{size}" role="img" aria-label={quoteattr(label)}>{"".join(parts)}</svg>'


def _stretches(values: Sequence[float]) -> list[list[tuple[int, float]]]:
    """Return the values that can be drawn with their places, in stretches without a gap."""
    grouped = groupby(enumerate(values), key=lambda pair: abs(pair[1]) <= _LARGEST)
    return [list(group) for is_known, group in grouped if is_known]
