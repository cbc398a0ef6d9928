"""What kinds compute, against the slow and obvious way, and against values worked out by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.strategies.bars import Bars
from distill_platform.strategies.kinds import KINDS
from distill_platform.strategies.kinds.kind import Panel
from distill_platform.strategies.kinds.rolling import (
    rolling_max,
    rolling_mean,
    rolling_min,
    rolling_moments,
    rolling_rank,
)
from distill_platform_tests.strategies.markets import DAY, market

NAN = np.nan
PANELS = st.integers(1, 3).flatmap(
    lambda width: st.lists(
        st.lists(st.one_of(st.integers(-8, 8).map(float), st.just(NAN)), min_size=width, max_size=width),
        min_size=1,
        max_size=40,
    ).map(np.array)
)


def computed(kind: str, *inputs: Any, **params: Any) -> Panel:
    """What a kind gives for columns (T,) or panels (T, N)."""
    panels = [np.array(each, dtype=float).reshape(len(each), -1) for each in inputs]
    with np.errstate(all="ignore"):
        found: Panel = KINDS[kind].compute(KINDS[kind].params.model_validate(params), *panels)
    return found


def column(kind: str, *inputs: Any, **params: Any) -> list[float]:
    return computed(kind, *inputs, **params)[:, 0].tolist()


def by_hand(values: Panel, window: int, statistic: Any) -> Panel:
    out = np.full(values.shape, NAN)
    for row in range(window - 1, len(values)):
        for place in range(values.shape[1]):
            part = values[row - window + 1 : row + 1, place]
            out[row, place] = NAN if np.isnan(part).any() else statistic(part)
    return out


@given(PANELS, st.integers(1, 12))
def test_rolling_windows_are_what_the_slow_way_finds(values: Panel, window: int) -> None:
    np.testing.assert_allclose(rolling_mean(values, window), by_hand(values, window, np.mean), atol=1e-12)
    np.testing.assert_array_equal(rolling_max(values, window), by_hand(values, window, np.max))
    np.testing.assert_array_equal(rolling_min(values, window), by_hand(values, window, np.min))
    rank = by_hand(values, window, lambda part: (np.sum(part < part[-1]) + np.sum(part == part[-1]) / 2) / window)
    np.testing.assert_allclose(rolling_rank(values, window), rank)


@given(PANELS, st.integers(2, 12))
def test_rolling_moments_are_what_the_slow_way_finds(values: Panel, window: int) -> None:
    mean, deviation = rolling_moments(values, window)
    np.testing.assert_allclose(mean, by_hand(values, window, np.mean), atol=1e-12)
    np.testing.assert_allclose(deviation, by_hand(values, window, lambda part: np.std(part, ddof=1)), atol=1e-12)


def test_a_window_forgets_what_left_it() -> None:
    values = np.array([[1e17], [1.0], [2.0], [3.0], [4.0]])
    assert rolling_mean(values, 2)[-1, 0] == 3.5
    assert rolling_moments(values, 2)[1][-1, 0] == np.sqrt(0.5)
    values[0] = NAN
    assert rolling_mean(values, 2)[2:, 0].tolist() == [1.5, 2.5, 3.5]


def test_a_constant_has_no_z_score_and_exactly_no_volatility() -> None:
    constant = np.full((250, 1), 0.001)
    assert (computed("volatility", constant, window=20)[19:] == 0.0).all()
    assert np.isnan(computed("z_score", constant, window=20)).all()


def test_returns_and_momentum() -> None:
    price = [100.0, 110.0, 99.0, 99.0]
    np.testing.assert_allclose(column("returns", price), [NAN, 0.1, -0.1, 0.0], atol=1e-15)
    np.testing.assert_allclose(column("returns", price, horizon=2, method="log"), [NAN, NAN, np.log(0.99), np.log(0.9)])
    np.testing.assert_allclose(column("momentum", price, lookback=3, skip=1), [NAN, NAN, NAN, -0.01])
    assert np.isnan(column("momentum", price, lookback=4)).all()


def test_exponential_averages_start_at_the_plain_mean() -> None:
    assert column("ema", [1.0, 2.0, 3.0, 5.0], span=3)[2:] == [2.0, 3.5]
    np.testing.assert_array_equal(column("ema", [1.0, NAN, 2.0, 3.0, NAN, 5.0], span=3), [NAN, NAN, NAN, 2, NAN, 3.5])


def test_rsi_is_wilders() -> None:
    """Wilder (1978), by hand: gains 1, 0, 3 and losses 0, 2, 0 over 3 changes; then a gain of 2."""
    found = column("rsi", [10.0, 11.0, 9.0, 12.0, 14.0], window=3)
    gain, loss = 4 / 3, 2 / 3
    assert found[3] == pytest.approx(100 * gain / (gain + loss))
    gain, loss = (2 * gain + 2) / 3, 2 * loss / 3
    assert found[4] == pytest.approx(100 * gain / (gain + loss))
    assert np.isnan(column("rsi", [5.0] * 9, window=3)).all()
    assert column("rsi", [1.0, 2.0, 3.0, 4.0], window=3)[3] == 100.0


def test_true_range_counts_gaps() -> None:
    high, low, close = [10.0, 15.0, 9.0], [9.0, 14.0, 8.0], [9.5, 14.5, 8.5]
    assert column("atr", high, low, close, window=1)[1:] == [5.5, 6.5]
    assert column("atr", close, close, close, window=2)[2] == 5.5


def test_a_breakout_is_held_until_the_exit() -> None:
    price = [5.0, 6.0, 5.5, 7.0, 6.5, 6.0, 5.0, 4.0, 8.0]
    assert column("breakout", price, entry=3, exit=2)[3:] == [1, 1, 0, 0, 0, 1]
    assert column("breakout", price, entry=3, exit=2, side="long_short")[3:] == [1, 1, 0, -1, -1, 1]
    price[5] = NAN
    assert column("breakout", price, entry=2, exit=1)[3:5] == [1, 0]
    assert np.isnan(column("breakout", price, entry=2, exit=1)[5:8]).all()


def test_ranks_share_ties_and_leave_out_the_unknown() -> None:
    found = computed("rank", [[3.0, 1.0, 2.0], [1.0, 1.0, 5.0], [NAN, 2.0, 1.0], [NAN, NAN, 7.0]])
    np.testing.assert_array_equal(found, [[0.5, -0.5, 0], [-0.25, -0.25, 0.5], [NAN, 0.5, -0.5], [NAN, NAN, 0]])


def test_cross_sections_leave_out_the_unknown() -> None:
    rows = [[1.0, 3.0, NAN], [NAN, NAN, NAN], [2.0, 2.0, 2.0]]
    np.testing.assert_array_equal(computed("market", rows), [[2, 2, NAN], [NAN] * 3, [2, 2, 2]])
    np.testing.assert_array_equal(computed("demean", rows), [[-1, 1, NAN], [NAN] * 3, [0, 0, 0]])
    np.testing.assert_array_equal(computed("standardize", rows), [[-1, 1, NAN], [NAN] * 3, [NAN] * 3])


def test_regimes_are_thirds_of_the_own_past() -> None:
    value = [1.0, 2.0, 3.0, 0.0, 2.5, 9.0]
    thirds = {name: column("regime_filter", value, lookback=3, open_in=[name])[2:] for name in ("low", "mid", "high")}
    assert thirds == {"low": [0, 1, 0, 0], "mid": [0, 0, 1, 0], "high": [1, 0, 0, 1]}


def test_gates() -> None:
    assert column("trend_filter", [1.0, 3.0, 2.0], window=2)[1:] == [1.0, 0.0]
    assert column("between", [-1.0, 0.0, 1.0, 2.0], min=0.0, max=1.0) == [0.0, 1.0, 1.0, 0.0]
    assert column("above", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == [0.0, 0.0, 1.0]
    assert column("all_open", [1.0, 1.0, 0.0], [1.0, 0.0, 1.0]) == [1.0, 0.0, 0.0]
    assert column("inverse", [1.0, 0.0]) == [0.0, 1.0]
    assert column("when_open", [5.0, 5.0], [1.0, 0.0]) == [5.0, 0.0]
    np.testing.assert_array_equal(column("only_where_open", [5.0, 5.0], [1.0, 0.0]), [5.0, NAN])
    assert column("atr_gate", [1.0, 2.0, 9.0], [100.0] * 3, min_ratio=0.015, max_ratio=0.05) == [0.0, 1.0, 0.0]


def test_signals() -> None:
    assert column("sign", [0.4, -0.6, 0.6], dead_zone=0.5) == [0.0, -1.0, 1.0]
    assert column("threshold", [1.0, 0.0, -2.0], long_from=1.0, short_to=-1.0) == [1.0, 0.0, -1.0]
    assert column("threshold", [1.0, -9.0], long_from=1.0) == [1.0, 0.0]
    assert column("scale", [2.0], factor=-1.0) == [-2.0]
    assert column("clip", [-9.0, 0.5, 9.0], low=-1.0, high=1.0) == [-1.0, 0.5, 1.0]
    assert column("weighted_sum", [1.0], [3.0]) == [2.0]
    assert column("weighted_sum", [1.0], [3.0], weights=[1.0, -1.0]) == [-2.0]
    np.testing.assert_array_equal(column("ratio", [1.0, 1.0], [2.0, 0.0]), [0.5, NAN])
    assert column("crossover", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == [-1.0, 0.0, 1.0]


def test_a_reversion_band_remembers_and_forgets_what_is_missing() -> None:
    value = [20.0, 40.0, 60.0, 80.0, 50.0, 40.0, 25.0, NAN, 40.0]
    assert column("reversion_band", value, buy_below=30.0, sell_above=55.0)[:7] == [1, 1, 0, 0, 0, 0, 1]
    assert column("reversion_band", value, buy_below=30.0, sell_above=55.0)[8] == 0.0
    both = column("reversion_band", value, buy_below=30.0, sell_above=55.0, short_above=70.0, cover_below=45.0)
    assert both[:7] == [1, 1, 0, -1, -1, 0, 1]


def test_position_targets() -> None:
    signal = [[2.0, -1.0, 0.0, NAN, 1.0]]
    equal = computed("position_target", signal, sizing="equal", gross=1.5)
    slots = computed("position_target", signal, sizing="slots", side="long_short")
    proportional = computed("position_target", signal, sizing="proportional", side="long_short")
    np.testing.assert_allclose(equal, [[0.75, 0, 0, 0, 0.75]])
    np.testing.assert_allclose(slots, [[0.25, -0.25, 0, 0, 0.25]])
    np.testing.assert_allclose(proportional, [[0.5, -0.25, 0, 0, 0.25]])
    assert not computed("position_target", [[0.0, -1.0, NAN]], sizing="equal").any()


def test_inverse_volatility_gives_the_quiet_ones_more() -> None:
    found = computed("inverse_volatility", [[1.0, 1.0, -1.0, 1.0]], [[0.1, 0.3, 0.1, 0.0]])
    np.testing.assert_allclose(found, [[0.75, 0.25, 0.0, NAN]])


def test_top_k_keeps_what_slips_a_little() -> None:
    scores = [[4.0, 3.0, 2.0, 1.0], [2.0, 4.0, 3.0, 1.0], [1.0, 4.0, 3.0, 2.0], [NAN, 4.0, 3.0, 2.0]]
    assert computed("top_k", scores, k=2).tolist() == [
        [0.5, 0.5, 0, 0],
        [0, 0.5, 0.5, 0],
        [0, 0.5, 0.5, 0],
        [0, 0.5, 0.5, 0],
    ]
    kept = computed("top_k", scores, k=2, keep_within=3).tolist()
    assert kept == [[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0, 0.5, 0.5, 0]]


@given(PANELS, st.integers(1, 5), st.integers(0, 5), st.sampled_from(["long_only", "long_short"]))
def test_top_k_never_fills_more_slots_than_there_are(scores: Panel, k: int, more: int, side: str) -> None:
    weights = computed("top_k", scores, k=k, keep_within=k + more, side=side)
    slot = 1.0 / k if side == "long_only" else 0.5 / k
    assert set(np.unique(np.abs(weights))) <= {0.0, slot}
    known = (~np.isnan(scores)).sum(axis=1)
    known[np.nanmax(scores, axis=1, initial=-99) == np.nanmin(scores, axis=1, initial=99)] = 0  # all are equal
    longs, shorts = (weights > 0).sum(axis=1), (weights < 0).sum(axis=1)
    np.testing.assert_array_equal(longs, np.minimum(k, known if side == "long_only" else known // 2))
    np.testing.assert_array_equal(shorts, 0 if side == "long_only" else longs)
    assert not weights[np.isnan(scores)].any()


def test_schedules() -> None:
    target = [0.1, 0.2, 0.3, 0.4, 0.5]
    assert column("rebalance", target, every=2) == [0.1, 0.1, 0.3, 0.3, 0.5]
    np.testing.assert_allclose(column("no_trade_band", [0.1, 0.12, 0.2, 0.0, 0.01], band=0.05), [0.1, 0.1, 0.2, 0, 0])


@given(PANELS, st.floats(0.1, 3.0))
def test_limits_only_make_positions_smaller(target: Panel, limit: float) -> None:
    capped = computed("leverage_cap", target, max_gross=limit)
    netted = computed("net_cap", target, max_net=limit)
    named = computed("name_cap", target, max_weight=limit)
    assert (np.nansum(np.abs(capped), axis=1) <= limit * (1 + 1e-12)).all()
    assert (np.abs(np.nansum(netted, axis=1)) <= limit * (1 + 1e-12)).all()
    assert (np.abs(named[~np.isnan(named)]) <= limit).all()
    for found in (capped, netted, named):
        held = ~np.isnan(target)
        assert (np.abs(found[held]) <= np.abs(target[held])).all()
        assert (found[held] * target[held] >= 0.0).all()


def test_a_limit_that_is_kept_changes_nothing() -> None:
    target = [[0.3, -0.6], [0.9, NAN]]
    np.testing.assert_array_equal(computed("leverage_cap", target, max_gross=0.9), target)
    np.testing.assert_array_equal(computed("net_cap", target, max_net=0.9), target)
    assert computed("gated_target", [[0.3, 0.3]], [[1.0, 0.0]]).tolist() == [[0.3, 0.0]]


def test_a_volatility_target_is_met_over_the_window() -> None:
    bars = market(rows=300, holes=False)
    returns = computed("returns", bars.close)
    target = np.full(bars.close.shape, 0.2)
    scaled = computed(
        "volatility_target", target, returns, annual_volatility=0.1, window=60, periods_per_year=252, max_scale=20.0
    )
    assert np.isnan(scaled[:60]).all()
    for row in (60, 150, 299):
        made = returns[row - 59 : row + 1] @ scaled[row]
        assert np.std(made, ddof=1) * np.sqrt(252) == pytest.approx(0.1)


def test_a_volatility_target_leaves_out_what_has_no_full_history() -> None:
    bars = market(rows=200, holes=False)
    returns = computed("returns", bars.close)
    returns[150, 1] = NAN
    params: dict[str, Any] = {"annual_volatility": 0.1, "window": 20, "periods_per_year": 252, "max_scale": 20.0}
    target = np.full(bars.close.shape, 0.2)
    scaled = computed("volatility_target", target, returns, **params)
    assert np.isnan(scaled[150:170, 1]).all()
    assert (scaled[150:170, 0] > 0.0).all()
    assert scaled[170, 1] > 0.0
    assert not np.nan_to_num(computed("volatility_target", target, np.zeros_like(returns), **params)).any()
    assert (computed("volatility_target", 0.0 * target, returns, **params)[30:100] == 0.0).all()


def test_a_kill_switch_sells_at_the_limit_and_returns_after_the_cooldown() -> None:
    price = [100.0, 120.0, 108.0, 96.0, 96.0, 96.0, 91.0, 86.0]
    weights = column("drawdown_kill_switch", [1.0] * 8, price, max_drawdown=0.2, cooldown=2)
    assert weights == [1, 1, 1, 0, 0, 1, 1, 1]
    assert column("drawdown_kill_switch", [1.0] * 8, price, max_drawdown=0.2) == [1, 1, 1, 0, 0, 0, 0, 0]


def test_a_kill_switch_counts_its_own_positions_only_and_the_first_loss_too() -> None:
    price = [100.0, 50.0, 50.0, 40.0]
    assert column("drawdown_kill_switch", [0.0, 1.0, 1.0, 1.0], price, max_drawdown=0.3) == [0, 1, 1, 1]
    assert column("drawdown_kill_switch", [1.0, 1.0, 1.0, 1.0], price, max_drawdown=0.5) == [1, 0, 0, 0]
    assert column("drawdown_kill_switch", [-1.0] * 4, [10.0, 20.0, 10.0, 10.0], max_drawdown=0.9, cooldown=1) == [
        -1,
        0,
        0,
        0,
    ]


def test_a_kill_switch_sees_what_happened_while_a_price_was_missing() -> None:
    found = column("drawdown_kill_switch", [1.0] * 4, [100.0, NAN, 60.0, 60.0], max_drawdown=0.3)
    assert found == [1.0, 0.0, 0.0, 0.0]


def test_a_placebo_depends_on_seed_symbol_and_time_alone() -> None:
    bars = market(rows=400, holes=False)
    kind = KINDS["placebo"]
    noise = kind.compute(kind.params.model_validate({"seed": 1}), bars)
    other = kind.compute(kind.params.model_validate({"seed": 2}), bars)
    late = Bars(bars.ts[100:], bars.symbols[::-1], bars.close[100:, ::-1] * 2.0)
    np.testing.assert_array_equal(kind.compute(kind.params.model_validate({"seed": 1}), late), noise[100:, ::-1])
    assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 0.08
    assert -1.0 <= noise.min() < -0.99 < 0.99 < noise.max() < 1.0
    assert noise.mean() == pytest.approx(0.0, abs=0.05)
    assert np.corrcoef(noise.T)[0, 1] == pytest.approx(0.0, abs=0.2)
    assert (np.diff(bars.ts) == DAY).all()
