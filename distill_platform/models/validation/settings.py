"""Validation settings: how folds are made. There is no way to say that rows are shuffled or purged too little."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from distill_platform.core.config import StrictModel, nearest
from distill_platform.core.errors import ConfigError

_SHUFFLED = (
    "a shuffled K-fold trains on the neighbours of the rows it tests, whose labels are nearly the same: it finds an "
    "edge in noise. Folds are contiguous in time here: purged_kfold or walk_forward"
)
_PURGED = "training rows are purged by the time of their own labels, exactly as long as those are; leave this key out"
_REFUSED = {"shuffle": _SHUFFLED, "random_state": _SHUFFLED, "purge_bars": _PURGED, "purge": _PURGED}


class FoldScheme(StrEnum):
    """Which rows a fold trains on: all that its test leaves clean, or only those before it."""

    PURGED_KFOLD = "purged_kfold"
    WALK_FORWARD = "walk_forward"


def _scheme(value: Any) -> Any:
    known = [scheme.value for scheme in FoldScheme]
    if value in known:
        return FoldScheme(value)
    shuffled = "fold" in str(value).lower() or "shuffle" in str(value).lower()
    raise ValueError(f"there is no scheme {value!r}: {_SHUFFLED if shuffled else nearest(str(value), known)}")


class ValidationSettings(StrictModel):
    """How the search window is cut into folds.

    `embargo_bars` is how long after the last test label nothing is trained on; it must not be shorter than the label's
    horizon (`refuse_short_embargo`). Before a test, and within its labels, rows are purged by the time of their labels.
    """

    scheme: Annotated[FoldScheme, BeforeValidator(_scheme)] = FoldScheme.PURGED_KFOLD
    folds: Annotated[int, Field(ge=2, le=1_000)] = 5
    embargo_bars: Annotated[int, Field(ge=0, le=1_000_000)] = 24

    @model_validator(mode="before")
    @classmethod
    def _refuse_by_name(cls, values: Any) -> Any:
        for key in values if isinstance(values, dict) else ():
            if key in _REFUSED:
                raise ValueError(f"{key!r} is not a setting: {_REFUSED[key]}")
        return values


def refuse_short_embargo(settings: ValidationSettings, horizon_bars: int) -> None:
    """Raise ConfigError for an embargo shorter than the label's horizon."""
    if settings.embargo_bars < horizon_bars:
        message = f"embargo_bars is {settings.embargo_bars}, shorter than the label's horizon of {horizon_bars} bars"
        raise ConfigError(message, hint=f"Set validation.embargo_bars to {horizon_bars} or more")
