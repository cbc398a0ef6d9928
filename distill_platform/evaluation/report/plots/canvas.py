"""The canvas: figures in one style, drawn without global state of pyplot, written as SVG that is the same every time.

Text stays text, so it can be read aloud, searched and copied, and takes the font of the page around it. Colours are
those of Okabe and Ito, which the colour-blind tell apart; lines differ in their dashes too, for a print in grey.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any
from xml.sax.saxutils import quoteattr

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from distill_platform.evaluation.report.plots.scales import Ticks, plain_ticks
from distill_platform.evaluation.report.wording import visible

INK, MUTED, FAINT = "#1b1f24", "#5b6570", "#dfe3e8"
BLUE, SKY, GREEN, AMBER, RED = "#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00"

HALF, WIDE = (430, 262), (900, 392)
"""Width and height of a figure in units of its text, which is 11 high."""

_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 10.5,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 10.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "hatch.linewidth": 0.6,
    "path.simplify": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "distill",
    "svg.id": None,
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": MUTED,
    "xtick.labelsize": 10.5,
    "xtick.major.size": 3.0,
    "ytick.color": MUTED,
    "ytick.labelsize": 10.5,
    "ytick.major.size": 0.0,
}
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}
_IDS = re.compile(r'(?<=<g) id="[^"]*"')  # the same in every figure, and referred to by none
_LINE_BREAKS = re.compile(r"\s*\n\s*")
_LONGEST_NAME = 22
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
    box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height)
    return figure, figure.add_axes(box, facecolor="none")


def svg(figure: Figure, label: str) -> str:
    """Return the figure as an `<svg>` element that fills the width it is given; `label` is for who cannot see it."""
    written = StringIO()
    FigureCanvasSVG(figure).print_svg(written, metadata=_NO_METADATA)  # type: ignore[no-untyped-call]
    _, _, body = written.getvalue().partition("</defs>")  # what stands before styles all of a page
    width, height = (round(72 * inches) for inches in figure.get_size_inches())
    opening = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label={quoteattr(label)}>'
    return opening + _LINE_BREAKS.sub("\n", _IDS.sub("", body))


def frame_values(axes: Axes, values: Iterable[float], ticks: Callable[[float, float], Ticks]) -> None:
    """Set the vertical axis so that it holds all the values and 0, with ticks at round numbers."""
    known = [0.0, *values]
    low, high = min(known), max(known)
    room = 0.08 * (high - low) or 1.0
    low, high = low - room * (low < 0 or high == low), high + room
    axes.set_ylim(low, high)
    axes.set_yticks(*ticks(low, high))
    axes.grid(axis="y")


def frame_bars(axes: Axes, values: Iterable[float]) -> None:
    """Set the horizontal axis so that it holds all the values and 0, with room for what is written at their ends."""
    known = [0.0, *values]
    low, high = min(known), max(known)
    room = 0.18 * (high - low) or 1.0
    low, high = low - room * (low < 0), high + room
    axes.set_xlim(low, high)
    axes.set_xticks(*plain_ticks(low, high))
    axes.grid(axis="x")


def legend_above(axes: Axes) -> None:
    """Write what the marks stand for above the axes, in one line."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 0.99), ncols=4, frameon=False, borderpad=0.0, fontsize=10.5,
        handlelength=1.1, handletextpad=0.5, columnspacing=1.2, labelcolor=MUTED,
    )  # fmt: skip


def name_of(text: str) -> str:
    """Return foreign text as short as a figure has room for, in letters that its font has; tables show all of it."""
    shown = "".join(letter if ord(letter) <= _LAST_GLYPH else "□" for letter in visible(text))
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 1] + "…"
