"""Windows: the three adjacent stretches of time of a training week, in which models are found, chosen and proven."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from distill_platform.core.config import StrictModel
from distill_platform.core.utc import EARLIEST, iso

_MOST_WEEKS = 2_000
Weeks = Annotated[int, Field(ge=1, le=_MOST_WEEKS)]

_MICROSECOND = 1_000
_WEEK = 7 * 86_400 * 10**9
_MONDAY = 4 * 86_400 * 10**9  # 1970-01-05, the first Monday of all


class WindowSettings(StrictModel):
    """How long each window is, 2,000 weeks in all at most.

    Only the search window is ever fitted on; the other two are only scored.
    """

    search_weeks: Weeks = 52
    validation_weeks: Weeks = 8
    forward_weeks: Weeks = 8

    @model_validator(mode="after")
    def _reach_back_to_no_time_without_markets(self) -> Self:
        total = self.search_weeks + self.validation_weeks + self.forward_weeks
        if total > _MOST_WEEKS:
            raise ValueError(f"the three windows are {total:,} weeks long together, more than {_MOST_WEEKS:,}")
        return self


@dataclass(frozen=True, slots=True)
class Window:
    """The moments [start_ns, end_ns), nanoseconds since 1970 UTC; never empty. Raises ValueError otherwise."""

    start_ns: int
    end_ns: int

    def __post_init__(self) -> None:
        if not self.start_ns < self.end_ns:
            raise ValueError(f"a window must end after it starts, not {self.start_ns} and {self.end_ns}")

    def overlaps(self, other: Window) -> bool:
        """Return whether the two have a moment in common."""
        return self.start_ns < other.end_ns and other.start_ns < self.end_ns


@dataclass(frozen=True, slots=True)
class Windows:
    """Search, validation and forward window, each beginning where the one before it ends.

    A row belongs to a window by its whole label span (`TrainingFrame.between`): those that reach from one window into
    the next are in neither. Raises ValueError for windows that are not adjacent.
    """

    search: Window
    validation: Window
    forward: Window

    def __post_init__(self) -> None:
        if self.search.end_ns != self.validation.start_ns or self.validation.end_ns != self.forward.start_ns:
            raise ValueError("the windows must be adjacent in time: search, then validation, then forward")


def windows_of(as_of_ns: int, settings: WindowSettings) -> Windows:
    """Return the windows of the training week that begins at `as_of_ns`: the forward window ends there.

    Raises ValueError unless that is a Monday, 00:00 UTC, with the windows' weeks after 1970 before it.
    """
    if as_of_ns % _WEEK != _MONDAY:
        moment = iso(EARLIEST + timedelta(microseconds=as_of_ns // _MICROSECOND))
        raise ValueError(f"a training week begins on a Monday, 00:00 UTC, not at {moment}")
    forward = as_of_ns - settings.forward_weeks * _WEEK
    validation = forward - settings.validation_weeks * _WEEK
    search = validation - settings.search_weeks * _WEEK
    if search < 0:
        raise ValueError("the search window begins before 1970: give fewer weeks, or a later week")
    return Windows(Window(search, validation), Window(validation, forward), Window(forward, as_of_ns))
