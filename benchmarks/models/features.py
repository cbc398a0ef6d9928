"""Features: five years of hourly bars of five symbols, beside what one writes with pandas; and one moment online."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.models.laps import best_cpu_s
from benchmarks.models.market import SYMBOLS, headlines, hourly_bars
from benchmarks.models.pandas_peer import PANDAS_KINDS, pandas_features
from benchmarks.table import times, to_table
from distill_platform.feeds.events.projecting import ProjectionSettings
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.catalogue import catalogue, history_bars
from distill_platform.models.features.kind import KINDS
from distill_platform.models.features.observed import Observed
from distill_platform.models.features.settings import FeatureSettings
from distill_platform.models.frame_building import build_features, features_at
from distill_platform.models.frames import Floats

AGREES_TO = 1e-6

_MOMENTS = 5 * 365 * 24
_EVENTS = 100_000
_CALLS = 50
_SETTINGS = FeatureSettings()
_WITH_EVENTS = FeatureSettings(events=ProjectionSettings())


@dataclass(frozen=True)
class FeatureRates:
    """Best CPU seconds of several laps, in alternation.

    `whole_s` is a frame of all `features` of bars, with its hashes; `with_events_s` one with those of events as well.
    `ours_s` and `pandas_s` are the `shared` features that pandas defines alike, without a frame around them; `gap` is
    their largest difference beside the spread of the feature. `online_s` is the frame of one moment.
    """

    rows: int
    features: int
    shared: int
    events: int
    whole_s: float
    with_events_s: float
    ours_s: float
    pandas_s: float
    gap: float
    online_s: float

    @property
    def ratio(self) -> float:
        """Return how many times as long pandas takes for the same numbers."""
        return self.pandas_s / self.ours_s

    @property
    def rows_per_s(self) -> float:
        """Return the rows of frames of bar features made in a CPU second."""
        return self.rows / self.whole_s

    def to_json(self) -> dict[str, Any]:
        """Return the numbers and the ratio."""
        return asdict(self) | {"ratio": self.ratio}

    def to_markdown(self) -> str:
        """Return the times beside those of pandas, for somebody who has not seen the code."""
        said = (
            f"{self.rows:,} rows: hourly bars of {len(SYMBOLS)} symbols. CPU seconds, the best of several alternating "
            f"laps. {self.shared} of our {self.features} features of bars are defined alike in pandas; they differ by "
            f"at most {self.gap:.0e} of their spread. A frame also says which rows are usable, knows missing bars and "
            "outages, and has the hashes of its definitions and its data. What pandas computes for a row depends in "
            "its last digits on where the series began; ours does not, so that one moment alone has the same bits."
        )
        rows = [
            (f"{self.shared} features", f"{self.ours_s:.2f}", f"{self.pandas_s:.2f}", times(self.ratio)),
            (f"frame of all {self.features}", f"{self.whole_s:.2f}", "", ""),
            (f"frame with features of {self.events:,} events", f"{self.with_events_s:.2f}", "", ""),
            ("frame of one moment", f"{self.online_s:.4f}", "", ""),
        ]
        return f"{said}\n\n{to_table(('', 'ours', 'pandas', 'ratio'), rows)}"


def measure_features(laps: int, share: float = 1.0) -> FeatureRates:
    """Return what features cost on `share` of five years; the first call, which compiles, does not count.

    Raises AssertionError if pandas gives other numbers.
    """
    count = max(round(_MOMENTS * share), 2 * history_bars(_SETTINGS))
    grid, events = hourly_bars(count), headlines(count, round(_EVENTS * share))
    ours, theirs = _ours(grid), pandas_features(grid)
    gap = max(_gap(ours[name], theirs[name]) for name in theirs)
    if not gap <= AGREES_TO:
        raise AssertionError(f"features are {gap:.2g} of their spread apart from those of pandas")
    best = best_cpu_s(
        {
            "whole": lambda: build_features(grid, None, _SETTINGS),
            "with events": lambda: build_features(grid, events, _WITH_EVENTS),
            "ours": lambda: _ours(grid),
            "pandas": lambda: pandas_features(grid),
            "online": lambda: _online(grid),
        },
        laps,
    )
    return FeatureRates(
        rows=count * len(SYMBOLS),
        features=len(catalogue(_SETTINGS)),
        shared=len(theirs),
        events=events.num_rows,
        whole_s=best["whole"],
        with_events_s=best["with events"],
        ours_s=best["ours"],
        pandas_s=best["pandas"],
        gap=gap,
        online_s=best["online"] / _CALLS,
    )


def _ours(grid: BarGrid) -> dict[str, Floats]:
    """Return the features that pandas has alike, by name, shape (T, N) each."""
    seen = Observed(grid)
    shared = (feature for feature in catalogue(_SETTINGS) if feature.kind in PANDAS_KINDS)
    return {feature.name: KINDS[feature.kind].panel(seen, feature.windows) for feature in shared}


def _online(grid: BarGrid) -> None:
    need = history_bars(_SETTINGS)
    for row in range(need, need + _CALLS):
        features_at(grid, None, int(grid.ts[row]), _SETTINGS)


def _gap(ours: Floats, theirs: Floats) -> float:
    """Return the largest difference beside the spread of the feature, after the first rows; NaN counts as different."""
    known = slice(history_bars(_SETTINGS), None)
    return float(np.abs(ours[known] - theirs[known]).max() / theirs[known].std())
