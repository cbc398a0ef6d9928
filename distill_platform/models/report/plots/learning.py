"""Learning curves: the losses by epoch, and where training stopped."""

from __future__ import annotations

from distill_platform.models.report.view import LearningView, ModelReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import ratio, several

_CAPTION = (
    "Mean loss of each epoch's training batches, and the loss on the newest rows of the search window, held back to "
    "stop by. Kept: the network after the marked epoch."
)
_NO_EPOCHS = "This model has no learning curve: trees and ridges are not trained in epochs."


def panel(view: ModelReportView) -> Panel:
    """Return training and validation loss by epoch, with the epoch that was kept."""
    curve = view.learning
    if curve is None:
        return Panel("learning", "Learning curve: there is none", _NO_EPOCHS)
    drawn = [loss for loss in (*curve.train, *curve.validation) if scales.drawable(loss)]
    if not drawn:
        why = "No epoch has a finite loss: the network did not learn."
        return Panel("learning", "Learning curve: not measured", why)
    title = _title(curve)
    return Panel("learning", title, _CAPTION, _drawn(curve, drawn, title), _facts(curve))


def _title(curve: LearningView) -> str:
    if not curve.best_epoch:
        return f"None of {several(len(curve.validation), 'epoch')} was better than the untrained network"
    if curve.best_epoch == len(curve.validation):
        return f"Still learning when it stopped: epoch {curve.best_epoch}, the last, was the best"
    return f"Best after epoch {curve.best_epoch} of {len(curve.validation)}"


def _drawn(curve: LearningView, losses: list[float], title: str) -> str:
    figure, axes = canvas.axes(left=54, top=24)
    for values, color, dashes, label in (
        (curve.train, canvas.MUTED, canvas.DASHED, "training"),
        (curve.validation, canvas.BLUE, "solid", "held back"),
    ):
        points = [(number, loss) for number, loss in enumerate(values, 1) if scales.drawable(loss)]
        axes.plot(*zip(*points, strict=True), color=color, linestyle=dashes, marker="o", markersize=3.5, label=label)
    if curve.best_epoch:
        axes.axvline(curve.best_epoch, color=canvas.INK, linewidth=0.9)
    low, high = min(losses), max(losses)
    room = max(0.08 * (high - low), 1e-9, 1e-3 * abs(high))
    axes.set_ylim(low - room, high + room)
    axes.set_xlim(0.5, max(len(curve.train), len(curve.validation)) + 0.5)
    canvas.y_axis(axes, scales.plain_ticks(low - room, high + room), "loss")
    canvas.x_axis(axes, _epochs(axes.get_xlim()[1]), "epoch")
    canvas.key(axes)
    return canvas.svg(figure, title)


def _epochs(last: float) -> scales.Ticks:
    chosen = sorted({max(1, round(value)) for value in scales.nice_values(1.0, last, 8)})
    return [float(epoch) for epoch in chosen], [str(epoch) for epoch in chosen]


def _facts(curve: LearningView) -> tuple[tuple[str, str], ...]:
    if not curve.best_epoch:
        return ()
    place = curve.best_epoch - 1
    return (
        ("Loss held back, epoch kept", ratio(curve.validation[place], 4)),
        ("Loss in training, epoch kept", ratio(curve.train[place], 4)),
    )
