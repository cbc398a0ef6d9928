"""Material: what the models of one training week are made of and judged on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa

from distill_platform.core.errors import FrameError
from distill_platform.feeds.events.projecting import HOUR_NS
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.catalogue import history_bars
from distill_platform.models.features.causality import Build, Leak, check_causality, spread_cuts
from distill_platform.models.features.event_window import events_until
from distill_platform.models.features.suspicion import Suspicion, suspicious_features
from distill_platform.models.frame_building import build_features, build_training_frame
from distill_platform.models.frames import TrainingFrame
from distill_platform.models.line import ModelLine
from distill_platform.models.validation.folds import Fold, make_folds
from distill_platform.models.validation.windows import Window, Windows, windows_of
from distill_platform.strategies.market.market import Market

_HISTORIES = 3  # a causality check looks at so many times what the features look back on


@dataclass(frozen=True, eq=False)
class Material:
    """The rows and bars of the three windows of one week, with what stands before them for features to look back on."""

    line: ModelLine
    windows: Windows
    frame: TrainingFrame = field(repr=False)
    market: Market = field(repr=False)

    def within(self, window: Window) -> TrainingFrame:
        """Return the rows whose whole label span lies in a window."""
        return self.frame.between(window.start_ns, window.end_ns)

    @cached_property
    def search(self) -> TrainingFrame:
        """Return the rows of the search window: the only ones that anything is fitted on."""
        return self.within(self.windows.search)

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """Return the folds of the search window."""
        return make_folds(self.search, self.line.validation, self.line.bar_ns)


@dataclass(frozen=True)
class Findings:
    """What features know that they cannot: those that change with the future, and those that predict too well."""

    leaks: tuple[Leak, ...]
    suspicious: tuple[Suspicion, ...]

    @property
    def is_clean(self) -> bool:
        """Return whether nothing was found."""
        return not self.leaks and not self.suspicious


def declared_build(line: ModelLine) -> Build:
    """Return how a line says that its features are made."""
    return lambda part, events: build_features(part, events, line.features)


def material_of(
    line: ModelLine, grid: BarGrid, events: pa.Table | None, as_of_ns: int, build: Build | None = None
) -> Material:
    """Return the material of the week that ends at `as_of_ns`, from bars and events; what comes later is not looked at.

    `build` is how features are made, by default as the line says. Raises FrameError for a grid that ends before the
    windows do. Other errors: `windows_of`, `build_features`.
    """
    windows = windows_of(as_of_ns, line.windows)
    if grid.ts[-1] < as_of_ns:
        raise FrameError("the bars end before the forward window does", hint="Collect them, or train an earlier week")
    known = grid.until(as_of_ns)
    frame = build_training_frame((build or declared_build(line))(known, events), known, line.label)
    return Material(line, windows, frame, Market(line.market, known.to_bars()))


def findings_of(material: Material, grid: BarGrid, events: pa.Table | None, build: Build | None = None) -> Findings:
    """Return what the guard finds: how features are computed, and how well they predict, in the search window alone.

    `build` is how the features were made, by default as the line says.
    """
    line = material.line
    part = _checked_part(grid, material)
    cuts = spread_cuts(part, line.guard.cuts)
    leaks = check_causality(build or declared_build(line), part, _seen_by(part, events, line), cuts, line.guard.seed)
    suspicious = suspicious_features(material.search, line.guard.max_rank_correlation)
    return Findings(tuple(leaks), tuple(suspicious))


def _checked_part(grid: BarGrid, material: Material) -> BarGrid:
    """Return the end of the search window, a few times as long as features look back."""
    stop = int(np.searchsorted(grid.ts, material.windows.search.end_ns))
    return grid.rows(max(0, stop - _HISTORIES * history_bars(material.line.features)), stop)


def _seen_by(part: BarGrid, events: pa.Table | None, line: ModelLine) -> pa.Table | None:
    """Return the events that features of a part of the grid look back on, and those that come later within it."""
    if events is None or line.features.events is None:
        return events
    first = int(part.ts[0]) - line.features.events.lookback_h * HOUR_NS
    return events_until(events, int(part.ts[-1]), first).combine_chunks()
