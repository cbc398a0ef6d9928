"""Intervals: how long a bar is, in the words of exchanges."""

from __future__ import annotations

import re
from datetime import timedelta

_INTERVAL = re.compile(r"([1-9]\d{0,4})([mhd])", re.ASCII)
_MINUTES = {"m": 1, "h": 60, "d": 1440}


def read_interval(text: str) -> timedelta:
    """Return the length of a bar like `15m`, `1h` or `1d`; ValueError unless a whole number of them makes a day."""
    found = _INTERVAL.fullmatch(text)
    length = timedelta(minutes=int(found[1]) * _MINUTES[found[2]]) if found else timedelta(0)
    if not length or timedelta(days=1) % length:
        raise ValueError(f"{text!r} is not the length of a bar: write it like 15m, 1h or 1d, a whole part of a day")
    return length
