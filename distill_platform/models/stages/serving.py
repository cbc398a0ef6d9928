"""Serving: day by day, first what the models said, then what follows from it: the next day is made by that."""

from __future__ import annotations

from collections.abc import Sequence

from distill_platform.models.stage import Models
from distill_platform.models.stages.predicting import predict_day
from distill_platform.models.stages.rolling import roll_day
from distill_platform.store.lake import Manifest

_MADE = {"predictions": predict_day, "model_rollout": roll_day}


def serve_days(models: Models, names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of `predictions` and `model_rollout`, or of one of both, oldest first.

    A model that is taken back at the end of a day predicts none of the days after it, in a range of days too.
    """
    manifests = []
    for done, day in enumerate(sorted(days), 1):
        for name, make in _MADE.items():
            if name in names:
                manifests.append(make(models, day))
                models.progress(name, done, len(days))
    return manifests
