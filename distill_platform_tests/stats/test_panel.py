"""Panels: every strategy's numbers are those of its series alone, whatever stands beside it and on any thread."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from distill_platform.stats.drawdown import drawdown
from distill_platform.stats.dsr import dsr, dsr_benchmark
from distill_platform.stats.normal import cdf
from distill_platform.stats.panel import PanelStatistics, panel_statistics
from distill_platform.stats.psr import psr
from distill_platform.stats.sharpe import sharpe

RATIOS = ("sharpe", "psr", "dsr")
WATER = ("max_drawdown", "max_time_under_water", "total_under_water", "current_under_water")
EIGHTHS = st.integers(-8, 12).map(lambda eighths: eighths / 8)  # a few of them multiply without rounding


def noise(n_observations: int, n_strategies: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0005, 0.01, (n_observations, n_strategies))


def assert_same_bits(left: PanelStatistics, right: PanelStatistics, order: Any = slice(None)) -> None:
    for name in (*RATIOS, *WATER):
        np.testing.assert_array_equal(getattr(left, name)[order], getattr(right, name), err_msg=name)


def drawdown_of(returns: list[float]) -> tuple[float, int, int, int]:
    """Maximum drawdown, longest, total and current time under water, in exact arithmetic."""
    equity = peak = Fraction(1)
    worst, below = Fraction(0), []
    for simple in returns:
        equity *= 1 + Fraction(simple)
        peak = max(peak, equity)
        worst = min(worst, equity / peak - 1)
        below.append(equity < peak)
    runs = "".join("x" if under else " " for under in below)
    return float(worst), max(map(len, runs.split()), default=0), sum(below), len(runs) - len(runs.rstrip("x"))


def ratios_of(returns: np.ndarray, benchmark: float) -> tuple[float, float]:
    """Sharpe ratio and PSR by their definitions, in extended precision."""
    wide = returns.astype(np.longdouble)
    centred = wide - wide.mean()
    variance = (centred**2).mean()
    skew, kurt = (centred**3).mean() / variance**1.5, (centred**4).mean() / variance**2
    sharpe = wide.mean() / np.sqrt(variance * len(wide) / (len(wide) - 1))
    spread = np.sqrt(1 - skew * sharpe + (kurt - 1) / 4 * sharpe**2)
    return float(sharpe), cdf(float((sharpe - benchmark) * np.sqrt(np.longdouble(len(wide) - 1)) / spread))


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        ([0.1, -0.2, 0.05, -0.1, 0.3], (-0.244, 4, 4, 4)),
        ([-0.5, 0.0, 0.1], (-0.5, 3, 3, 3)),
        ([0.1, -1.0, 0.5], (-1.0, 2, 2, 2)),
        ([-1.0, -1.0, 9.0, 9.0], (-1.0, 4, 4, 4)),
        ([0.1, 0.0, 0.2], (0.0, 0, 0, 0)),
        ([-0.5, 1.0, -0.5, -0.5, 3.0, 0.25], (-0.75, 2, 3, 0)),
        ([-0.125, -0.125], (-0.234375, 2, 2, 2)),
        ([0.25], (0.0, 0, 0, 0)),
        ([-0.25], (-0.25, 1, 1, 1)),
    ],
)
def test_drawdown_and_time_under_water(returns: list[float], expected: tuple[float, int, int, int]) -> None:
    found = panel_statistics(np.array([returns, returns]).T)
    for name, value in zip(WATER, expected, strict=True):
        np.testing.assert_allclose(getattr(found, name), [value, value], rtol=1e-14, err_msg=name)
    assert drawdown_of(returns) == pytest.approx(expected, rel=1e-14)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 10).flatmap(lambda rows: arrays(np.float64, (rows, 3), elements=EIGHTHS)))
def test_drawdowns_are_exact_where_arithmetic_is(panel: np.ndarray) -> None:
    found = panel_statistics(panel)
    for column in range(3):
        assert tuple(getattr(found, name)[column] for name in WATER) == drawdown_of(panel[:, column].tolist())


@settings(max_examples=200, deadline=None)
@given(
    panel=st.tuples(st.integers(3, 40), st.integers(1, 6)).flatmap(
        lambda shape: arrays(np.float64, shape, elements=st.floats(-0.5, 0.5).map(lambda x: round(x, 6)))
    ),
    benchmark=st.floats(-1, 1),
)
def test_ratios_are_those_of_brute_force(panel: np.ndarray, benchmark: float) -> None:
    found = panel_statistics(panel, sr_benchmark=benchmark)
    for column, series in enumerate(panel.T):
        if np.ptp(series) == 0:
            assert all(math.isnan(getattr(found, name)[column]) for name in RATIOS)
        elif np.ptp(series) > 1e-3 and len(np.unique(series)) > 2:  # else no digits are left to compare
            ratio, probability = ratios_of(series, benchmark)
            assert found.sharpe[column] == pytest.approx(ratio, rel=1e-12, abs=1e-15)
            assert found.psr[column] == pytest.approx(probability, rel=1e-9)


@pytest.mark.parametrize(
    ("n_observations", "n_strategies"), [(1, 1), (2, 3), (7, 1), (8, 255), (9, 256), (250, 257), (1_001, 3)]
)
def test_a_panel_agrees_with_its_series(n_observations: int, n_strategies: int) -> None:
    panel = noise(n_observations, n_strategies)
    found = panel_statistics(panel, sr_benchmark=0.01)
    trials = {"var_trials": found.var_trials, "n_trials": found.n_trials}
    for column in {0, n_strategies // 2, n_strategies - 1}:
        series = panel[:, column]
        assert found.psr[column] == pytest.approx(psr(series, 0.01), rel=1e-12, nan_ok=True)
        assert found.dsr[column] == pytest.approx(dsr(series, **trials), rel=1e-12, nan_ok=True)
        assert found.sharpe[column] == pytest.approx(sharpe(series), rel=1e-12, nan_ok=True)
        water = drawdown(series)
        assert tuple(getattr(found, name)[column] for name in WATER) == tuple(getattr(water, name) for name in WATER)


@pytest.mark.parametrize("n_strategies", [1, 255, 256, 257, 600, 1_100])
def test_threads_and_neighbours_change_no_bit(n_strategies: int) -> None:
    panel = noise(101, n_strategies)
    once = panel_statistics(panel)
    for threads in (2, 3, 50):
        assert_same_bits(once, panel_statistics(panel, threads=threads))
    trials: dict[str, Any] = {"n_trials": once.n_trials, "var_trials": once.var_trials}
    for column in {0, n_strategies // 2, n_strategies - 1}:
        assert_same_bits(once, panel_statistics(panel[:, [column]], **trials), [column])


def test_permuting_strategies_permutes_results() -> None:
    panel, order = noise(64, 300), np.random.default_rng(1).permutation(300)
    found, permuted = panel_statistics(panel), panel_statistics(panel[:, order])
    assert_same_bits(found, permuted, order)
    assert found.dsr_benchmark == permuted.dsr_benchmark


def test_several_python_threads_may_call_at_once() -> None:
    panels = [noise(200, 300, seed) for seed in range(6)]
    alone = [panel_statistics(panel) for panel in panels]
    with ThreadPoolExecutor(6) as executor:
        together = list(executor.map(lambda panel: panel_statistics(panel, threads=2), panels))
    for left, right in zip(alone, together, strict=True):
        assert_same_bits(left, right)


def test_layout_and_type_of_the_input_do_not_matter() -> None:
    panel = np.abs(np.round(noise(20, 5) * 100))
    found = panel_statistics(panel)
    for same in (np.asfortranarray(panel), panel.tolist(), panel.astype(np.int64), panel.astype(np.float32)):
        assert_same_bits(found, panel_statistics(same))
    assert_same_bits(found, panel_statistics(np.repeat(panel, 2, axis=1)[:, ::2]))


def test_the_input_is_left_as_it_was() -> None:
    panel = noise(30, 4)
    panel.flags.writeable = False
    before = panel.copy()
    panel_statistics(panel, threads=2)
    np.testing.assert_array_equal(panel, before)


@pytest.mark.parametrize("value", [0.001, 0.1, -0.3, 0.0, 1 / 3])
def test_a_constant_strategy_has_no_ratios(value: float) -> None:
    panel = noise(250, 3)
    panel[:, 1] = value
    found = panel_statistics(panel)
    for name in RATIOS:
        assert np.isnan(getattr(found, name)).tolist() == [False, True, False]
    assert found.var_trials == pytest.approx(np.var(found.sharpe[[0, 2]], ddof=1))
    assert found.n_trials == 3
    assert (found.max_drawdown[1] < 0) == (value < 0)


def test_a_strategy_that_moves_once_is_not_constant() -> None:
    panel = np.zeros((500, 2))
    panel[-1] = 0.01, -0.01
    found = panel_statistics(panel)
    np.testing.assert_allclose(found.sharpe, [1 / math.sqrt(500), -1 / math.sqrt(500)], rtol=1e-12)


def test_one_observation_has_a_drawdown_but_no_ratios() -> None:
    found = panel_statistics([[0.1, -0.1]])
    assert all(np.isnan(getattr(found, name)).all() for name in RATIOS)
    np.testing.assert_allclose(found.max_drawdown, [0.0, -0.1], rtol=1e-14)


def test_without_two_ratios_there_is_no_dsr() -> None:
    panel = np.full((10, 3), 0.01)
    panel[:, 0] = noise(10, 1)[:, 0]
    found = panel_statistics(panel)
    assert math.isfinite(found.psr[0])
    assert np.isnan(found.dsr).all()
    assert math.isnan(found.var_trials)
    assert math.isnan(found.dsr_benchmark)


def test_a_single_strategy_was_not_selected() -> None:
    found = panel_statistics(noise(50, 1))
    assert (found.n_trials, found.var_trials, found.dsr_benchmark) == (1, 0.0, 0.0)
    assert found.dsr[0] == found.psr[0]


def test_a_single_strategy_that_was_selected_needs_a_variance() -> None:
    panel = noise(50, 1)
    assert math.isnan(panel_statistics(panel, n_trials=100).dsr[0])
    assert panel_statistics(panel, n_trials=100, var_trials=0.01).dsr[0] < panel_statistics(panel).psr[0]


@pytest.mark.parametrize("scale", [1e-170, 1e-90, 1e90, 1e200])
def test_where_powers_leave_the_range_of_floats_nothing_is_made_up(scale: float) -> None:
    found = panel_statistics(np.abs(noise(50, 3)) * scale)
    assert np.isnan(found.psr).all()
    assert np.isnan(found.dsr).all()
    assert not np.isinf(found.sharpe).any()
    assert not (found.sharpe == 0).any()


def test_the_benchmark_comes_from_the_trials() -> None:
    panel = noise(100, 40)
    found = panel_statistics(panel)
    assert found.n_trials == 40
    assert found.var_trials == pytest.approx(found.sharpe.var(ddof=1), rel=1e-13)
    assert found.dsr_benchmark == dsr_benchmark(found.var_trials, 40)
    given_trials = panel_statistics(panel, n_trials=1_000.5, var_trials=0.02)
    assert given_trials.dsr_benchmark == dsr_benchmark(0.02, 1_000.5)
    np.testing.assert_array_equal(given_trials.psr, found.psr)
    np.testing.assert_allclose(
        given_trials.dsr, panel_statistics(panel, sr_benchmark=given_trials.dsr_benchmark).psr, rtol=1e-15
    )


def test_more_and_wilder_trials_deflate_more() -> None:
    panel = noise(100, 20)
    by_number = [panel_statistics(panel, n_trials=n, var_trials=0.01).dsr for n in (2, 10, 100, 10_000)]
    by_variance = [panel_statistics(panel, n_trials=20, var_trials=v).dsr for v in (0.0, 0.001, 0.01, 0.1)]
    for rising in (by_number, by_variance):
        assert (np.diff(rising, axis=0) < 0).all()


@given(st.floats(1e-6, 20.0))
@settings(max_examples=50, deadline=None)
def test_scale_changes_no_ratio(scale: float) -> None:
    panel = noise(60, 5)
    found, scaled = panel_statistics(panel), panel_statistics(panel * scale)
    for name in RATIOS:
        np.testing.assert_allclose(getattr(scaled, name), getattr(found, name), rtol=1e-11, err_msg=name)


def test_probabilities_keep_their_digits_far_out() -> None:
    panel = np.tile([[0.01, 0.03], [-0.01, -0.01]], (200, 1))
    found = panel_statistics(panel, sr_benchmark=2.0)
    assert found.psr[0] < 1e-60
    z = (mpmath.mpf(found.sharpe[0]) - 2) * mpmath.sqrt(399)  # skewness 0, kurtosis 1, mean 0: variance 1
    assert found.psr[0] == pytest.approx(float(mpmath.erfc(-z / mpmath.sqrt(2)) / 2), rel=1e-11)


@pytest.mark.parametrize(
    ("returns", "said"),
    [
        ([0.1, 0.2], "two dimensions"),
        (np.zeros((2, 2, 2)), "two dimensions"),
        (np.zeros((0, 3)), "at least one"),
        (np.zeros((3, 0)), "at least one"),
        ([["a", "b"]], "real numbers"),
        ([[0.1, math.nan], [0.2, 0.1]], "NaN at row 0, column 1"),
        ([[0.1, 0.3], [0.2, math.inf]], "infinite"),
        ([[0.1, 0.3], [-math.inf, math.inf]], "infinite"),
        ([[0.1, -1.0], [0.2, -1.001]], "below -1 at row 1, column 1"),
    ],
)
def test_what_is_no_panel_is_refused(returns: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        panel_statistics(returns)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("threads", [1, 2])
def test_one_bad_number_anywhere_is_found(bad: float, threads: int) -> None:
    for row, column in [(0, 0), (99, 599), (50, 300), (8, 255), (99, 256)]:
        panel = noise(100, 600)
        panel[row, column] = bad
        with pytest.raises(ValueError, match=f"{row}, (column )?{column}"):
            panel_statistics(panel, threads=threads)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"threads": 0}, "threads"),
        ({"n_trials": 0}, "n_trials"),
        ({"var_trials": -1.0}, "var_trials"),
        ({"var_trials": math.nan}, "var_trials"),
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        panel_statistics(noise(10, 3), **wrong)


def test_returns_too_large_to_add_up_have_no_ratios() -> None:
    panel = np.full((20, 2), 1e308)
    panel[3:9] = 1e307
    found = panel_statistics(panel)
    assert all(np.isnan(getattr(found, name)).all() for name in RATIOS)


def test_the_result_prints_its_small_numbers() -> None:
    found = panel_statistics(noise(10, 1_000))
    assert "n_observations=10" in repr(found)
    assert "sharpe" not in repr(found)
    assert {len(getattr(found, f.name)) for f in fields(found) if not f.repr} == {1_000}


def test_what_is_masked_is_missing() -> None:
    with pytest.raises(ValueError, match="NaN at row 0, column 1"):
        panel_statistics(np.ma.masked_array([[0.1, 0.2], [0.3, 0.1]], mask=[[False, True], [False, False]]))
