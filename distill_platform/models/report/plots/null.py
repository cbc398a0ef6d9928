"""The null distribution: what the line's teacher, for all candidates, finds where there is nothing to find."""

from __future__ import annotations

import math

import numpy as np

from distill_platform.models.report.view import ModelReportView, NullView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import count, probability, ratio

_BINS = 24
_CAPTION = (
    "Mean rank correlation out of fold of the line's teacher, which is looked at for all candidates. Grey: its "
    "procedure, fitted anew on labels that were moved in blocks of time, so that nothing is left to find. Blue: on the "
    "labels as they were."
)


def panel(view: ModelReportView) -> Panel:
    """Return a histogram of what the teacher reaches on permuted labels, with what it reached on the true ones."""
    null = view.null
    if null is None:
        why = "This model's procedure was not held against labels moved in blocks."
        return Panel("null", "Against luck: not measured", why)
    values = null.values[scales.drawable_days(null.values)]
    if not scales.drawable(null.observed) or not len(values):
        why = "No rank correlation is known."
        return Panel("null", "Against luck: not measured", why, facts=_facts(null, values))
    title = _title(null, values)
    return Panel("null", title, _CAPTION, _drawn(null, values, title), _facts(null, values))


def _title(null: NullView, values: scales.Numbers) -> str:
    reached = int(np.count_nonzero(values >= null.observed))
    share = f"{count(reached) if reached else 'None'} of {count(len(values))} runs on moved labels"
    return f"{share} reached the teacher's {ratio(null.observed, 3)}{' or more' if reached else ''}"


def _drawn(null: NullView, values: scales.Numbers, title: str) -> str:
    figure, axes = canvas.axes(left=34, top=22)
    low, high = canvas.span([*values.tolist(), null.observed])
    counts, edges = np.histogram(values, bins=_BINS, range=(low, high))
    axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color="#ccd3da", edgecolor="white", linewidth=0.5)
    axes.axvline(null.observed, color=canvas.BLUE, linewidth=2.0)
    axes.axvline(0.0, color=canvas.MUTED, linewidth=0.7)
    axes.set_xlim(low, high)
    axes.set_ylim(0.0, max(1.08 * float(counts.max()), 1.0))
    right = null.observed > (low + high) / 2
    axes.annotate(
        f"the teacher {ratio(null.observed, 3)}", (null.observed, axes.get_ylim()[1]), (3 if not right else -3, 4),
        textcoords="offset points", ha="right" if right else "left", color=canvas.BLUE, weight="bold",
        annotation_clip=False,
    )  # fmt: skip
    top = axes.get_ylim()[1]
    step = max(1, math.ceil(top / 5))
    heights = list(range(0, int(top) + 1, step))
    canvas.y_axis(axes, ([float(height) for height in heights], [str(height) for height in heights]))
    canvas.x_axis(axes, scales.plain_ticks(low, high), "mean rank correlation out of fold")
    return canvas.svg(figure, title)


def _facts(null: NullView, values: scales.Numbers) -> tuple[tuple[str, str], ...]:
    return (
        ("p-value", probability(null.p_value)),
        ("Mean, standard deviation on moved labels", _spread(values)),
        ("Blocks", f"{count(null.block_bars)} bars"),
    )


def _spread(values: scales.Numbers) -> str:
    return f"{ratio(values.mean(), 4)}, {ratio(values.std(), 4)}" if len(values) else "not measured"
