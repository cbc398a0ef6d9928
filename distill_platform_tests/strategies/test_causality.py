"""No kind looks ahead, and one that did would be noticed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from distill_platform.strategies.causality import LookAhead, look_ahead
from distill_platform.strategies.kinds import KINDS, Port, Schema, node_kind
from distill_platform.strategies.kinds.kind import NoParams, Panel
from distill_platform_tests.strategies.markets import around, market

MARKETS = [market(), market(holes=False, seed=4)]
CUTS = (1, 2, 255, 320, 333, 500, 639)


def seen_ahead(kind: str) -> list[LookAhead]:
    """What the test of causality sees of a kind: the first node that looks ahead in each market."""
    return [found for bars in MARKETS for found in look_ahead(around(KINDS[kind]), bars, CUTS)]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_kind_looks_ahead(kind: str) -> None:
    assert seen_ahead(kind) == []


def tomorrow(params: NoParams, value: Panel) -> Panel:
    """Return the value of the next bar."""
    return np.roll(value, -1, axis=0)


def filled_back(params: NoParams, value: Panel) -> Panel:
    """Return the value, and where it is missing today's, tomorrow's."""
    later = np.vstack([value[1:], value[-1:]])
    return np.where(np.isnan(value), later, value)


def centred(params: NoParams, value: Panel) -> Panel:
    """Return the mean of yesterday, today and tomorrow."""
    out = np.full_like(value, np.nan)
    out[1:-1] = (value[:-2] + value[1:-1] + value[2:]) / 3.0
    return out


def over_everything(params: NoParams, value: Panel) -> Panel:
    """Return the value less the mean of all bars that there will ever be."""
    known = ~np.isnan(value)
    return value - np.where(known, value, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def trailing_end(params: NoParams, value: Panel) -> Panel:
    """Return the value, 0 in the last row that there is."""
    out = value.copy()
    out[-1] = 0.0
    return out


def far_away(params: NoParams, value: Panel) -> Panel:
    """Return whether the price will rise between two days a month ahead."""
    out = np.zeros_like(value)
    out[:-21] = np.sign(value[21:] - value[20:-1])
    return out


def as_if_by_length(params: NoParams, value: Panel) -> Panel:
    """Return the value over the number of bars."""
    return value / len(value)


@contextmanager
def planted(compute: Callable[..., Panel]) -> Iterator[str]:
    node_kind(compute.__name__, ports=(Port("value", Schema.PANEL),))(compute)
    try:
        yield compute.__name__
    finally:
        del KINDS[compute.__name__]


@pytest.mark.parametrize(
    "compute",
    [tomorrow, centred, over_everything, trailing_end, far_away, as_if_by_length],
    ids=lambda each: each.__name__,
)
def test_a_kind_that_looks_ahead_is_caught(compute: Callable[..., Panel]) -> None:
    with planted(compute) as kind:
        found = seen_ahead(kind)
    assert {each.node_id for each in found} == {"it", "answer", "orders"}
    assert all(each.row < each.cut for each in found)


def test_filling_from_the_future_does_not_get_past_the_evaluator() -> None:
    with planted(filled_back) as kind:
        assert seen_ahead(kind) == []


def test_what_looks_ahead_is_named_with_row_and_experiment() -> None:
    with planted(tomorrow) as kind:
        (first, *_) = look_ahead(around(KINDS[kind]), MARKETS[1], (100,))
    assert first == LookAhead("it", 99, 100, "truncation")
