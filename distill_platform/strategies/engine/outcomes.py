"""Outcomes: what became of an order, as the codes that the kernel writes and in words."""

from __future__ import annotations

from enum import IntEnum


class Outcome(IntEnum):
    """What decided over the order of one symbol at one bar; whether a part of it was filled is another question."""

    NO_ORDER = 0
    FILLED = 1
    MAX_NOTIONAL = 2
    MAX_PARTICIPATION = 3
    BELOW_MIN_NOTIONAL = 4
    NO_PRICE = 5
    NO_VOLUME = 6
    NO_EQUITY = 7
