"""Drawdowns against brute force in rational arithmetic, and their edges."""

import math
from fractions import Fraction
from itertools import accumulate, groupby

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.drawdown import drawdown

EIGHTHS = st.lists(st.integers(-8, 8), min_size=1, max_size=14)


def exact_equity(eighths: list[int], *, compound: bool) -> list[Fraction]:
    """Equity at the start and after each period."""
    steps = [Fraction(eighth, 8) for eighth in eighths]
    if compound:
        return list(accumulate(steps, lambda equity, step: equity * (1 + step), initial=Fraction(1)))
    return list(accumulate(steps, initial=Fraction(1)))


def exact_falls(eighths: list[int], *, compound: bool) -> list[Fraction]:
    """Each drawdown from every peak that was there before, the slow way."""
    equity = exact_equity(eighths, compound=compound)
    peaks = [max(equity[: place + 1]) for place in range(len(equity))]
    return [(now - peak) / (peak if compound else 1) for now, peak in zip(equity, peaks, strict=True)]


@given(EIGHTHS, st.booleans())
def test_brute_force_finds_the_same(eighths: list[int], compound: bool) -> None:
    falls = exact_falls(eighths, compound=compound)
    found = drawdown(np.array(eighths) / 8, compound=compound)
    stretches = [len(list(run)) for below, run in groupby(falls, lambda fall: fall < 0) if below]
    assert found.max_drawdown == pytest.approx(float(min(falls)), rel=1e-12)
    assert found.total_under_water == sum(stretches)
    assert found.max_time_under_water == max(stretches, default=0)
    assert found.current_under_water == (stretches[-1] if falls[-1] < 0 else 0)


@given(EIGHTHS, st.booleans())
def test_peak_trough_and_recovery_are_where_they_are_said_to_be(eighths: list[int], compound: bool) -> None:
    equity, falls = exact_equity(eighths, compound=compound), exact_falls(eighths, compound=compound)
    found = drawdown(np.array(eighths) / 8, compound=compound)
    assert falls[found.trough] == pytest.approx(min(falls), rel=1e-12)
    assert falls[found.peak] == 0
    assert all(fall < 0 for fall in falls[found.peak + 1 : found.trough + 1])
    back = [place for place in range(found.trough, len(equity)) if equity[place] >= equity[found.peak]]
    assert found.recovery == (back[0] if back else None)
    assert found.time_to_recover == (back[0] - found.trough if back else None)


@given(st.lists(st.floats(-1.0, 3.0), min_size=1, max_size=300))
def test_a_drawdown_is_never_more_than_everything(returns: list[float]) -> None:
    found = drawdown(returns)
    assert -1.0 <= found.max_drawdown <= 0.0
    assert 0 <= found.current_under_water <= found.max_time_under_water <= found.total_under_water <= len(returns)


@given(EIGHTHS, st.sampled_from([0.25, 0.5, 2.0, 4.0]))
def test_summed_drawdowns_grow_with_the_stake(eighths: list[int], stake: float) -> None:
    once, more = (drawdown(np.array(eighths) / 8 * factor, compound=False) for factor in (1.0, stake))
    assert more.max_drawdown == once.max_drawdown * stake
    assert (more.peak, more.trough, more.recovery) == (once.peak, once.trough, once.recovery)


def test_a_loss_in_the_first_period_is_a_drawdown() -> None:
    assert drawdown([-0.5, 0.0, 0.1]).max_drawdown == -0.5
    assert drawdown([-0.5]).peak == 0


def test_without_a_fall_there_is_none() -> None:
    found = drawdown([0.1, 0.0, 0.2])
    assert (found.max_drawdown, found.total_under_water) == (0.0, 0)
    assert (found.peak, found.trough, found.recovery, found.time_to_recover) == (0, 0, 0, 0)


def test_what_is_lost_to_a_wipe_out_stays_lost() -> None:
    found = drawdown([0.1, -1.0, 0.5, 100.0])
    assert (found.max_drawdown, found.current_under_water, found.recovery) == (-1.0, 3, None)


def test_a_fixed_stake_may_lose_more_than_the_starting_equity() -> None:
    assert drawdown([-1.0, -1.5], compound=False).max_drawdown == -2.5


def test_a_new_peak_forgives_and_a_deeper_fall_counts_anew() -> None:
    found = drawdown([-0.125, 0.25, -0.25, 0.5])
    assert (found.peak, found.trough, found.recovery, found.time_to_recover) == (2, 3, 4, 1)
    assert found.max_drawdown == -0.25
    assert (found.total_under_water, found.max_time_under_water, found.current_under_water) == (2, 1, 0)


def test_of_equal_falls_the_first_counts() -> None:
    found = drawdown([-0.5, 1.0, -0.5, 1.0])
    assert (found.peak, found.trough, found.recovery) == (0, 1, 2)


@pytest.mark.parametrize("step", [0.01, -0.01])
def test_equity_beyond_the_range_of_floats_is_no_obstacle(step: float) -> None:
    returns = np.full(200_000, step)
    returns[-3] = -0.5
    found = drawdown(returns)
    assert found.max_drawdown == (-0.5 if step > 0 else -1.0)
    assert found.peak == (199_997 if step > 0 else 0)


@pytest.mark.parametrize("returns", [[], [0.1, math.nan], [0.1, math.inf], [[0.1]]])
def test_what_is_no_series_is_refused(returns: list[float]) -> None:
    with pytest.raises(ValueError, match="returns"):
        drawdown(returns)


def test_more_than_everything_cannot_be_lost_when_compounding() -> None:
    with pytest.raises(ValueError, match=r"returns\[1\] is -1.5"):
        drawdown([0.1, -1.5])


def test_a_drawdown_prints_on_one_line() -> None:
    assert repr(drawdown([-0.5])) == (
        "Drawdown(max_drawdown=-0.5, max_time_under_water=1, total_under_water=1, current_under_water=1, "
        "peak=0, trough=1, recovery=None)"
    )
