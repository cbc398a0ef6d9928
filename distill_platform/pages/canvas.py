"""The canvas: figures in one style, drawn without pyplot's global state, written as SVG that is the same every time.

Text stays text, so it can be read aloud, searched and copied, and takes the font of the page around it. Colours are
those of Okabe and Ito, which the colour-blind tell apart; lines differ in their dashes too, for a print in grey.

Ticks are drawn here: those of matplotlib are made for axes that move, and took half the time of a report.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any
from xml.sax.saxutils import quoteattr

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from distill_platform.pages.scales import Ticks
from distill_platform.pages.wording import visible

INK, MUTED, FAINT = "#1b1f24", "#5b6570", "#dfe3e8"
BLUE, SKY, GREEN, AMBER, RED = "#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00"
DASHED, DOTTED = (0, (4, 2)), (0, (1, 1))

HALF, WIDE = (430, 262), (900, 392)
"""Width and height of a figure in units of its text, which is 10.5 high."""

_STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10.5,
    "hatch.linewidth": 0.6,
    "path.simplify": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "distill",
    "svg.id": None,
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
}
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}
_IDS = re.compile(r'(?<=<g) id="[^"]*"')  # the same in every figure, and referred to by none
_FONT = re.compile(r" font-family: 'DejaVu Sans';| transform=\"rotate\(-0 [^\"]*\"")
_LINE_BREAKS = re.compile(r"\s*\n\s*")
_NARROWEST = 1e-9
_LAST_GLYPH = 0x24F  # Latin letters end here; matplotlib's font has them all, and warns of those that it has not
_LOCK = threading.Lock()


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in our style, and nobody else meanwhile: matplotlib's settings belong to the whole process."""
    with _LOCK, mpl.rc_context(_STYLE):
        yield


def axes(
    size: tuple[int, int] = HALF, *, left: int = 48, right: int = 12, top: int = 14, bottom: int = 40
) -> tuple[Figure, Axes]:
    """Return an empty figure of that size and its axes, with margins in the same units."""
    width, height = size
    figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="none")
    return figure, below(figure, left=left, right=right, top=top, height=height - top - bottom)


def below(figure: Figure, *, left: int, right: int, top: int, height: int) -> Axes:
    """Return further axes in a figure, that many units from its top and that high."""
    width, whole = (72 * inches for inches in figure.get_size_inches())
    box = (left / width, 1 - (top + height) / whole, 1 - (left + right) / width, height / whole)
    added = figure.add_axes(box)
    added.set_axis_off()
    return added


def svg(figure: Figure, label: str) -> str:
    """Return the figure as an `<svg>` element that fills the width it is given; `label` is for who cannot see it."""
    written = StringIO()
    FigureCanvasSVG(figure).print_svg(written, metadata=_NO_METADATA)  # type: ignore[no-untyped-call]
    _, _, body = written.getvalue().partition("</defs>")  # what stands before styles all of a page
    width, height = (round(72 * inches) for inches in figure.get_size_inches())
    opening = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label={quoteattr(label)}>'
    return opening + _LINE_BREAKS.sub("\n", _FONT.sub("", _IDS.sub("", body)))


def x_axis(axes: Axes, ticks: Ticks, label: str = "", *, grid: bool = False, line: bool = True) -> None:
    """Draw the horizontal axis with its ticks below the figure, and lines up from them where wanted."""
    low, high = axes.get_xlim()
    shown = [(at, text) for at, text in zip(*ticks, strict=True) if low <= at <= high]
    unit = 1 / (axes.bbox.height or 1)
    frame = axes.get_xaxis_transform()
    if grid:
        _lines(axes, [[(at, 0), (at, 1)] for at, _ in shown], FAINT, frame, 0.5)
    if line:
        _lines(axes, [[(low, 0), (high, 0)], *([(at, 0), (at, -3 * unit)] for at, _ in shown)], MUTED, frame, 2.5)
    for at, text in shown:
        axes.text(at, -5 * unit, text, transform=frame, ha="center", va="top", color=MUTED)
    if label:
        axes.text(0.5, -20 * unit, label, transform=axes.transAxes, ha="center", va="top", color=MUTED)


def y_axis(axes: Axes, ticks: Ticks, label: str = "", *, grid: bool = True, line: bool = True) -> None:
    """Draw the vertical axis with its ticks left of the figure, and lines across from them where wanted."""
    low, high = axes.get_ylim()
    shown = [(at, text) for at, text in zip(*ticks, strict=True) if low <= at <= high]
    unit = 1 / (axes.bbox.width or 1)
    frame = axes.get_yaxis_transform()
    if grid:
        _lines(axes, [[(0, at), (1, at)] for at, _ in shown], FAINT, frame, 0.5)
    if line:
        _lines(axes, [[(0, low), (0, high)]], MUTED, frame, 2.5)
    for at, text in shown:
        axes.text(-5 * unit, at, text, transform=frame, ha="right", va="center_baseline", color=MUTED)
    if label:
        place = {"transform": axes.transAxes, "rotation": 90, "rotation_mode": "anchor"}
        axes.text(-38 * unit, 0.5, label, ha="center", va="bottom", color=MUTED, **place)  # type: ignore[arg-type]


def _lines(axes: Axes, lines: list[list[tuple[float, float]]], color: str, frame: Any, zorder: float) -> None:
    drawn = LineCollection(lines, colors=color, linewidths=0.7, transform=frame, zorder=zorder, clip_on=False)
    axes.add_collection(drawn, autolim=False)


def span(values: Iterable[float], room: float = 0.08) -> tuple[float, float]:
    """Return limits that hold all the values and 0, with room beyond the values."""
    known = [0.0, *values]
    low, high = min(known), max(known)
    beyond = max(room * (high - low), _NARROWEST) if high > low else 1.0
    return low - beyond * (low < 0), high + beyond * (high > 0 or low == high)


def key(axes: Axes, *, inside: bool = False) -> None:
    """Write what the marks stand for: in one line above the axes, or inside them at the top."""
    place: Any = {"loc": "upper left", "borderaxespad": 0.2} if inside else _ABOVE
    axes.legend(**place, frameon=False, handlelength=1.4, handletextpad=0.5, labelcolor=MUTED)


_ABOVE = {"loc": "lower left", "bbox_to_anchor": (-0.02, 0.99), "ncols": 4, "borderpad": 0.0, "columnspacing": 1.2}


def name_of(text: str, longest: int = 20) -> str:
    """Return foreign text as short as a figure has room for, in letters that its font has; tables show all of it."""
    shown = "".join(letter if ord(letter) <= _LAST_GLYPH else "□" for letter in visible(text))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
