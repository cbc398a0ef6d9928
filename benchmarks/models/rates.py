"""Rates: everything that was measured of models, as sections of the report."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from benchmarks.models.features import measure_features
from benchmarks.models.forecasting import measure_forecasting
from benchmarks.models.predictions import measure_predictions
from benchmarks.models.search import measure_search
from benchmarks.models.student import measure_student
from benchmarks.models.training import measure_training

PARTS = ("features", "training", "student", "search", "predictions")
FORECASTING = "forecasting"

_TITLES = {
    "features": "Features",
    "training": "Training of trees",
    "student": "Training of the network",
    "search": "Search",
    "predictions": "Predictions",
    FORECASTING: "Forecasting",
}
_BARS, _LEAST_BARS = 8_760, 1_500
_SEQUENCES, _LEAST_SEQUENCES = 10_000, 1_000
_SEARCH_SEEDS = 3
_FORECASTING_SEEDS = (0, 1, 2)


class Rates(Protocol):
    """What was measured of one part."""

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a JSON value."""
        ...

    def to_markdown(self) -> str:
        """Return what was measured, for somebody who has not seen the code."""
        ...


@dataclass(frozen=True)
class ModelSize:
    """How much is measured: laps, the share of rows, trials and calls, and the file of ETTh1, if there is one."""

    laps: int
    share: float
    csv: Path | None = None


def measure_models(parts: Collection[str], size: ModelSize, say: Callable[[str], None]) -> dict[str, Rates]:
    """Return what was measured of each of the `parts` that is one of models, by its name."""
    works: dict[str, Callable[[], Rates]] = {
        "features": lambda: measure_features(size.laps, size.share),
        "training": lambda: measure_training(size.laps, max(round(_BARS * size.share), _LEAST_BARS)),
        "student": lambda: measure_student(max(round(_SEQUENCES * size.share), _LEAST_SEQUENCES), size.laps),
        "search": lambda: _search(size, say),
        "predictions": lambda: measure_predictions(size.laps, size.share),
    }
    if size.csv is not None:
        csv = size.csv
        works[FORECASTING] = lambda: measure_forecasting(csv, _FORECASTING_SEEDS)
    return {part: _alone(part, work, say) for part, work in works.items() if part in parts}


def _alone(part: str, work: Callable[[], Rates], say: Callable[[str], None]) -> Rates:
    """Return what was measured of a part, with numpy's BLAS on one thread: others that wait would count as work."""
    from threadpoolctl import threadpool_limits

    say(_TITLES[part])
    with threadpool_limits(limits=1):
        return work()


def _search(size: ModelSize, say: Callable[[str], None]) -> Rates:
    with TemporaryDirectory() as folder:
        return measure_search(Path(folder), max(round(_SEARCH_SEEDS * size.share), 1), size.share, say)


def sections(models: dict[str, Rates]) -> list[str]:
    """Return a title and what was measured, one after the other, in Markdown."""
    return [text for part, rates in models.items() for text in (f"## {_TITLES[part]}", rates.to_markdown().rstrip())]
