"""Weeks: which days and moments belong to the training week that begins on a Monday."""

from __future__ import annotations

from datetime import date, timedelta

from distill_platform.core.utc import EARLIEST, days_between
from distill_platform.models.features.catalogue import history_bars
from distill_platform.models.line import ModelLine

DAY_NS = 86_400 * 10**9
_WEEK = timedelta(days=7)
_HOURS_A_DAY = 24


def end_ns(week: str) -> int:
    """Return the moment at which a week is over, nanoseconds: models are trained on what was known until then."""
    return day_ns((date.fromisoformat(week) + _WEEK).isoformat())


def day_ns(day: str) -> int:
    """Return the moment at which a UTC day begins, nanoseconds."""
    return (date.fromisoformat(day) - EARLIEST.date()).days * DAY_NS


def week_of(day: str) -> str:
    """Return the Monday of the week that a day is in."""
    moment = date.fromisoformat(day)
    return (moment - timedelta(days=moment.weekday())).isoformat()


def training_days(line: ModelLine, week: str) -> list[str]:
    """Return the days of a week's three windows, oldest first."""
    windows = line.windows
    weeks = windows.search_weeks + windows.validation_weeks + windows.forward_weeks
    end = date.fromisoformat(week) + _WEEK
    return [day.isoformat() for day in days_between(end - weeks * _WEEK, end - timedelta(days=1))]


def days_before(day: str, count: int) -> list[str]:
    """Return so many days before a day, and itself, oldest first."""
    last = date.fromisoformat(day)
    return [each.isoformat() for each in days_between(last - timedelta(days=count), last)]


def event_days(line: ModelLine) -> int:
    """Return how many days before a day the features of its events look back on; 0 for a line that sees none."""
    events = line.features.events
    return 0 if events is None else -(-events.lookback_h // _HOURS_A_DAY) + 1


def history_days(line: ModelLine) -> int:
    """Return how many days before a day its features look back on."""
    return days_of_bars(line, history_bars(line.features))


def days_of_bars(line: ModelLine, bars: int) -> int:
    """Return how many days before a day hold so many bars of a line."""
    return -(-bars * line.bar_ns // DAY_NS)
