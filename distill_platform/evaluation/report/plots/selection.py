"""Selection bias: what the best of as many trials without any skill would show, and what this run shows."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from distill_platform.evaluation.report.view import Numbers, ReportView, TrialsView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import probability, ratio, several
from distill_platform.stats import expected_max_z
from distill_platform.stats.normal import cdf, pdf

_POINTS = 161
_NARROWEST = 1e-6
_CAPTION = (
    "Grey: annual Sharpe ratios that the best of as many trials without skill would show, dashed its mean. "
    "Blue: this run, with one standard error to either side. Skill shows to the right of the grey."
)


def panel(view: ReportView) -> Panel:
    """Return the density of the maximum of N Sharpe ratios without skill, against the one observed."""
    trials = view.trials
    spread = _spread(view)
    if not (
        scales.drawable(trials.sharpe) and scales.drawable(trials.expected_max_sharpe) and _NARROWEST < spread < 1e6
    ):
        return Panel("selection", "Selection bias: not measured", _why(trials), facts=_facts(trials))
    title = _title(trials)
    return Panel("selection", title, _CAPTION, _drawn(view, spread, title), _facts(trials))


def density_of_maximum(z: Numbers, n_trials: int) -> Numbers:
    """Return the density at `z` of the largest of N independent standard normal draws, N pdf(z) cdf(z)^(N-1)."""
    return np.array([n_trials * pdf(point) * cdf(point) ** (n_trials - 1) for point in z.tolist()])


def _spread(view: ReportView) -> float:
    """Return the standard deviation of the annual Sharpe ratio of a trial without skill, which the null assumed."""
    trials = view.trials
    if trials.n > 1:
        return trials.expected_max_sharpe / expected_max_z(trials.n)
    return view.number("returns.sharpe_standard_error")


def _title(trials: TrialsView) -> str:
    if trials.n <= 1:
        return f"One trial, so nothing was selected: {ratio(trials.sharpe)} stands for itself"
    side = "above" if trials.sharpe > trials.expected_max_sharpe else "not above"
    luck = ratio(trials.expected_max_sharpe)
    return (
        f"{ratio(trials.sharpe)} a year is {side} the {luck} that luck gives the best of {several(trials.n, 'trial')}"
    )


def _why(trials: TrialsView) -> str:
    if not scales.drawable(trials.sharpe):
        return "The run has no Sharpe ratio: its daily returns do not vary, or there are too few."
    return "What luck gives is not known: the Sharpe ratios of the trials do not vary, or none has one."


def _drawn(view: ReportView, spread: float, title: str) -> str:
    trials = view.trials
    z = np.linspace(-4.0, expected_max_z(trials.n) + 4.5, _POINTS)
    density = density_of_maximum(z, trials.n)
    seen = density > 1e-3 * density.max()
    x, density = z[seen] * spread, density[seen] / density.max()
    figure, axes = canvas.axes(left=14, top=26)
    axes.fill_between(x, density, color="#ccd3da", linewidth=0)
    axes.plot(x, density, color=canvas.MUTED, linewidth=1.0)
    axes.plot([trials.expected_max_sharpe] * 2, [0, 1.0], color=canvas.INK, linewidth=1.1, linestyle=canvas.DASHED)
    error = view.number("returns.sharpe_standard_error")
    error = error if scales.drawable(error) else 0.0
    axes.axvspan(trials.sharpe - error, trials.sharpe + error, color=canvas.BLUE, alpha=0.14, linewidth=0)
    axes.axvline(trials.sharpe, color=canvas.BLUE, linewidth=2.0)
    low, high = min(x[0], trials.sharpe - error, 0.0), max(x[-1], trials.sharpe + error, 0.0)
    _finish(axes, low, high)
    _name_lines(axes, trials, (low + high) / 2)
    return canvas.svg(figure, title)


def _finish(axes: Axes, low: float, high: float) -> None:
    room = 0.04 * (high - low)
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(0.0, 1.04)
    canvas.x_axis(axes, scales.plain_ticks(low - room, high + room, 6), "annual Sharpe ratio")


def _name_lines(axes: Axes, trials: TrialsView, middle: float) -> None:
    """Write what each line is above it, away from the other."""
    run_is_right = trials.sharpe > trials.expected_max_sharpe
    lines = (
        (trials.sharpe, f"this run {ratio(trials.sharpe)}", canvas.BLUE, run_is_right),
        (trials.expected_max_sharpe, f"luck {ratio(trials.expected_max_sharpe)}", canvas.INK, not run_is_right),
    )
    for at, text, color, right in lines:
        axes.annotate(
            text, (at, 1.04), (-3 if right else 3, 4), textcoords="offset points", color=color,
            ha="left" if right else "right", annotation_clip=False, weight="bold" if color == canvas.BLUE else "normal",
        )  # fmt: skip


def _facts(trials: TrialsView) -> tuple[tuple[str, str], ...]:
    return (
        ("Trials counted", f"{trials.n:,}"),
        ("Made of", trials.made_of),
        ("Deflated Sharpe ratio (DSR)", probability(trials.dsr)),
        ("Probability of backtest overfitting (PBO)", probability(trials.pbo)),
        ("Reality check, p-value", probability(trials.reality_check_p)),
    )
