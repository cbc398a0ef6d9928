"""Waiting: weeks that could be trained and were not, or that were trained on other features than there are now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from distill_platform.core.canon import sig_hash
from distill_platform.models.line import ModelLine
from distill_platform.models.weeks import training_days, week_of
from distill_platform.store.lake import Lake

_LOOKED_BACK = 4


def waiting_weeks(lake: Lake, lines: Sequence[ModelLine], today: date) -> dict[str, str]:
    """Return the latest complete weeks that wait, oldest first, each with a hash of the features that it waits with.

    A week can be trained when the features of every day of its windows are there. `today` is not over yet.
    """
    found: dict[str, str] = {}
    last = date.fromisoformat(week_of(today.isoformat()))
    for back in range(_LOOKED_BACK, 0, -1):
        week = (last - back * timedelta(days=7)).isoformat()
        state = _state(lake, lines, week)
        if state and not _is_trained(lake, week, state):
            found[week] = sig_hash(sorted(state.items()))
    return found


def _state(lake: Lake, lines: Sequence[ModelLine], week: str) -> dict[str, str]:
    """Return the versions of the features that a week needs; nothing where a day is missing for every line."""
    state: dict[str, str] = {}
    for line in lines:
        days = training_days(line, week)
        manifests = [lake.manifest("features", day) for day in days]
        if all(manifest is not None for manifest in manifests):
            state |= {f"features/{day}": made.version for day, made in zip(days, manifests, strict=True) if made}
    return state


def _is_trained(lake: Lake, week: str, state: dict[str, str]) -> bool:
    manifest = lake.manifest("training_frame", week)
    read = {} if manifest is None else {name: each.version for name, each in manifest.inputs.items()}
    return state.items() <= read.items()
