"""Bars with long names: one line each, names on the left, in a figure as high as they need."""

from __future__ import annotations

from dataclasses import dataclass

from distill_platform.pages import canvas, scales

_WIDTH, _LINE, _MARGINS = canvas.HALF[0], 19, 52
_LONGEST_NAME = 28


@dataclass(frozen=True)
class Bar:
    """One bar: its name, which is foreign text, its length with a sign, and its colour."""

    name: str
    value: float
    color: str


def drawn_bars(bars: list[Bar], unit: str, title: str, *, bound: float | None = None) -> str:
    """Return bars from the top down as SVG, with a dashed line at `bound`."""
    figure, axes = canvas.axes((_WIDTH, _MARGINS + _LINE * len(bars)), left=190, top=10, right=14)
    for place, bar in enumerate(bars):
        axes.barh([-place], [bar.value], 0.66, color=bar.color, linewidth=0)
    axes.axvline(0.0, color=canvas.INK, linewidth=0.8)
    if bound is not None:
        axes.axvline(bound, color=canvas.INK, linewidth=1.0, linestyle=canvas.DASHED)
    axes.set_xlim(*canvas.span([*(bar.value for bar in bars), *([] if bound is None else [bound])]))
    axes.set_ylim(-len(bars) + 0.4, 0.6)
    canvas.x_axis(axes, scales.plain_ticks(*axes.get_xlim(), 4), unit, grid=True)
    names = [canvas.name_of(bar.name, _LONGEST_NAME) for bar in bars]
    canvas.y_axis(axes, ([float(-place) for place in range(len(bars))], names), grid=False, line=False)
    return canvas.svg(figure, title)
