"""Catalogue: the features that settings ask for, in their order, with all that there is to know about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from distill_platform.core.config import StrictModel
from distill_platform.feeds.events.projecting import event_features
from distill_platform.models.features import calendar_kinds, panel_kinds, price_kinds, volume_kinds
from distill_platform.models.features.kind import KINDS, FeatureGroup
from distill_platform.models.features.settings import FeatureSettings

FAMILIES = (price_kinds, volume_kinds, panel_kinds, calendar_kinds)
"""The modules that declare kinds."""


@dataclass(frozen=True)
class Feature:
    """One feature. It sees the last `lookback` bars, its own included; one of events sees that many hours instead."""

    name: str
    group: FeatureGroup
    kind: str
    windows: tuple[int, ...]
    definition: str
    unit: str
    lookback: int


def catalogue(settings: FeatureSettings) -> tuple[Feature, ...]:
    """Return the features of a model line, in the order of the columns of its frames."""
    return (*_declared(settings.bars), *_declared(settings.panel), *_calendar(settings), *_of_events(settings))


def names_of(settings: FeatureSettings, *groups: FeatureGroup) -> tuple[str, ...]:
    """Return the names of the features of some groups, in order: what a model that sees nothing else is fitted on."""
    return tuple(feature.name for feature in catalogue(settings) if feature.group in groups)


def lookback_bars(settings: FeatureSettings) -> int:
    """Return how many bars the features of one moment see, its own included."""
    return max((each.lookback for each in catalogue(settings) if each.group != FeatureGroup.EVENTS), default=1)


def history_bars(settings: FeatureSettings) -> int:
    """Return how many moments a grid needs so that its last row is what it would be in any longer one.

    What the features see, and what tells whether its first moment lies within an outage.
    """
    return lookback_bars(settings) + settings.outage_bars


def _declared(group: StrictModel | None) -> Iterator[Feature]:
    for kind, choices in group or ():
        for windows in choices:
            yield _feature(kind, windows if isinstance(windows, tuple) else (windows,))


def _calendar(settings: FeatureSettings) -> Iterator[Feature]:
    if settings.calendar:
        yield from (_feature(kind.name, ()) for kind in KINDS.values() if kind.group == FeatureGroup.CALENDAR)


def _of_events(settings: FeatureSettings) -> Iterator[Feature]:
    for each in event_features(settings.events) if settings.events is not None else ():
        yield Feature(each.name, FeatureGroup.EVENTS, "projection", (), each.definition, each.unit, each.lookback_h)


def _feature(name: str, windows: tuple[int, ...]) -> Feature:
    kind = KINDS[name]
    full_name = "_".join([name, *(str(window) for window in windows)])
    return Feature(full_name, kind.group, name, windows, kind.definition, kind.unit, kind.lookback(*windows))
