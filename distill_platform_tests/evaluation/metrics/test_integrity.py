"""Integrity: each way in which the tables of a run can contradict each other is found and named."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from distill_platform.evaluation.metrics import RunMetrics
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform_tests.evaluation.metrics.made import (
    DAY,
    HOUR,
    START,
    changed,
    days_of,
    made,
    measure,
    sound,
    values,
)

Break = Callable[[Bundle], Bundle]


def test_a_sound_run_is_sound() -> None:
    for per_day in (1, 24):
        found = measure(sound(steps_per_day=per_day))
        assert found.broken == ()
        assert all(value for name, value in found.metrics.items() if name.startswith("invariants."))
        assert found.metrics["triage.integrity_broken"] is False


def _steps(bundle: Bundle, name: str, change: Callable[[np.ndarray], object]) -> Bundle:
    return replace(bundle, steps=changed(bundle.steps, name, change(values(bundle.steps, name))))


def _trade_profit_inflated(bundle: Bundle) -> Bundle:
    pnl = values(bundle.trades, "pnl")
    pnl[0] += 2e-6
    return replace(bundle, trades=changed(bundle.trades, "pnl", pnl))


def _day_prettified(bundle: Bundle) -> Bundle:
    net = values(bundle.daily, "ret_net")
    net[7] += 1e-4
    net[8] -= 1e-4
    return replace(bundle, daily=changed(bundle.daily, "ret_net", net))


def _days_left_out(bundle: Bundle) -> Bundle:
    worst = int(np.argmin(values(bundle.daily, "ret_net")))
    return replace(bundle, daily=bundle.daily.filter(pa.array(np.arange(bundle.daily.num_rows) != worst)))


def _gross_invented(bundle: Bundle) -> Bundle:
    return _steps(bundle, "ret_gross", lambda gross: gross + 2e-9)


def _fees_forgotten(bundle: Bundle) -> Bundle:
    fee = values(bundle.steps, "fee")
    without = _steps(_steps(bundle, "fee", lambda fee: fee * 0.0), "ret_gross", lambda gross: gross - fee)
    return replace(without, daily=changed(bundle.daily, "fee", np.zeros(bundle.daily.num_rows)))


def _free_trades(bundle: Bundle) -> Bundle:
    free = np.flatnonzero(values(bundle.steps, "turnover"))[::20]
    bundle = _steps(bundle, "fee", lambda fee: np.where(np.isin(np.arange(len(fee)), free), 0.0, fee))
    return _steps(bundle, "slippage", lambda paid: np.where(np.isin(np.arange(len(paid)), free), 0.0, paid))


def _backwards(bundle: Bundle) -> Bundle:
    order = np.arange(bundle.steps.num_rows)
    order[[10, 11]] = order[[11, 10]]
    return replace(bundle, steps=bundle.steps.take(pa.array(order)))


def _after_as_of(bundle: Bundle) -> Bundle:
    return replace(bundle, manifest=bundle.manifest.model_copy(update={"as_of": START + 100 * DAY}))


def _trade_twice(bundle: Bundle) -> Bundle:
    return replace(bundle, trades=pa.concat_tables([bundle.trades, bundle.trades.slice(3, 1)]))


def _seeds_edited(bundle: Bundle) -> Bundle:
    return replace(bundle, manifest=bundle.manifest.model_copy(update={"seeds": {"numpy": 8}}))


def _more_than_all_lost(bundle: Bundle) -> Bundle:
    return _steps(bundle, "ret_net", lambda net: np.where(np.arange(len(net)) == 5, -1.5, net))


def _fold_prettified(bundle: Bundle) -> Bundle:
    return replace(bundle, folds=changed(bundle.folds, "pnl_oos", values(bundle.folds, "pnl_oos") + 1e-3))


BREAKS: dict[str, Break] = {
    "pnl_sums_match": _trade_profit_inflated,
    "daily_matches_steps": _day_prettified,
    "equity_reconciles": _days_left_out,
    "steps_add_up": _gross_invented,
    "fee_nonzero": _fees_forgotten,
    "friction_recorded": _free_trades,
    "clock_monotone": _backwards,
    "before_as_of": _after_as_of,
    "no_duplicates": _trade_twice,
    "returns_above_minus_one": _more_than_all_lost,
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_invariant_is_named(name: str) -> None:
    found = measure(BREAKS[name](sound(steps_per_day=4)))
    assert name in found.broken
    assert found.metrics[f"invariants.{name}"] is False
    assert found.metrics["triage.integrity_broken"] is True
    assert name in found.reason


def test_every_invariant_can_be_broken() -> None:
    invariants = {name.removeprefix("invariants.") for name in measure(sound()).metrics if name.startswith("inv")}
    assert invariants == {*BREAKS, "folds_match_steps", "repro_hash_match"}


def test_folds_that_claim_too_much_are_named_and_do_not_count_but_break_nothing() -> None:
    found = measure(_fold_prettified(sound(steps_per_day=4)))
    assert found.metrics["invariants.folds_match_steps"] is False
    assert found.broken == ()


def test_a_repro_hash_by_another_rule_than_ours_is_unknown_and_no_pass() -> None:
    found = measure(_seeds_edited(sound(steps_per_day=4)))
    assert found.metrics["invariants.repro_hash_match"] is None
    assert measure(sound(steps_per_day=4)).metrics["invariants.repro_hash_match"] is True


def test_a_table_that_is_missing_makes_its_invariants_unknown_not_broken() -> None:
    found = measure(replace(sound(), trades=None, daily=None, folds=None))
    unknown = {"pnl_sums_match", "daily_matches_steps", "equity_reconciles"}
    assert {name for name in BREAKS if found.metrics[f"invariants.{name}"] is None} == unknown
    assert found.broken == ()


def test_days_may_be_sums_or_compounded_but_not_both() -> None:
    bundle = sound(steps_per_day=24)
    summed = days_of(bundle.steps, compound=False)
    assert measure(replace(bundle, daily=summed)).broken == ()
    mixed = np.where(np.arange(400) % 2, values(summed, "ret_net"), values(bundle.daily, "ret_net"))
    assert "daily_matches_steps" in measure(replace(bundle, daily=changed(summed, "ret_net", mixed))).broken


def test_days_without_steps_may_be_listed_if_nothing_happened_on_them() -> None:
    ends = [START + (place + 1) * 2 * DAY for place in range(60)]
    bundle = made(np.random.default_rng(0).normal(0.0, 0.01, 60), ends=ends, cost=1e-4)
    more = days_of(bundle.steps).to_pylist()
    for row in list(more):
        more.append({"day": row["day"] - timedelta(days=1), "ret_net": 0.0, "fee": 0.0, "n_trades": 0})
    table = pa.Table.from_pylist(more, schema=bundle.daily.schema)
    assert measure(replace(bundle, daily=table)).broken == ()
    gained = changed(table, "ret_net", np.where(values(table, "ret_net") == 0.0, 1e-4, values(table, "ret_net")))
    assert "daily_matches_steps" in measure(replace(bundle, daily=gained)).broken


def test_fees_of_days_are_those_of_their_steps() -> None:
    bundle = sound()
    cheaper = changed(bundle.daily, "fee", values(bundle.daily, "fee") * 0.5)
    assert measure(replace(bundle, daily=cheaper)).broken == ("daily_matches_steps",)


def test_who_never_traded_has_paid_no_fee_and_nobody_knows_more() -> None:
    bundle = replace(made(np.random.default_rng(0).normal(0.0, 0.01, 60), turnover=0.0), trades=None)
    found = measure(bundle)
    assert found.metrics["invariants.fee_nonzero"] is None
    assert found.metrics["invariants.friction_recorded"] is None


def test_trades_without_turnover_are_friction_that_was_not_recorded() -> None:
    found = measure(made(np.random.default_rng(0).normal(0.0, 0.01, 60), turnover=0.0))
    assert {"fee_nonzero", "friction_recorded"} <= set(found.broken)


def test_a_year_that_stands_twice_is_found() -> None:
    year = np.random.default_rng(5).normal(0.001, 0.01, 200)
    found = measure(made(np.concatenate([year, year]), cost=1e-4))
    assert found.broken == ("no_duplicates",)
    assert "begin the same long block of returns" in found.notes[0]


def test_idle_constant_and_alternating_stretches_are_no_repetition() -> None:
    for net in (np.zeros(400), np.full(400, 0.001), np.tile([0.01, -0.005], 200), np.tile([0.01, 0.0, -0.01], 150)):
        assert "no_duplicates" not in measure(made(net, cost=1e-4)).broken


def _verdicts(found: RunMetrics) -> str:
    shown = sorted((name, repr(value)) for name, value in found.metrics.items())
    return hashlib.sha256(repr((shown, found.broken, found.notes)).encode()).hexdigest()


def test_order_of_trades_and_chunks_of_tables_make_no_difference() -> None:
    bundle = sound(steps_per_day=24, days=300)
    cut = pa.concat_tables([bundle.steps.slice(0, 1000), bundle.steps.slice(1000, 1), bundle.steps.slice(1001)])
    order = np.random.default_rng(2).permutation(bundle.trades.num_rows)
    other = replace(bundle, steps=cut, trades=bundle.trades.take(pa.array(order)))
    assert _verdicts(measure(other)) == _verdicts(measure(bundle))


def test_the_clock_of_a_run_is_told_apart_from_its_days() -> None:
    found = measure(made(np.random.default_rng(4).normal(0.0, 0.01, 100), HOUR, cost=1e-5))
    assert found.broken == ()
    assert len(found.daily) == 5


def _kept(bundle: Bundle, *, compound: bool) -> pa.Table:
    """Return the days of an engine for which midnight is the first moment of a day."""
    moved = changed(bundle.steps, "ts_end", [end + timedelta(seconds=1) for end in bundle.steps["ts_end"].to_pylist()])
    return days_of(moved, compound=compound)


@pytest.mark.parametrize("compound", [True, False])
@pytest.mark.parametrize("every", [HOUR, DAY])
def test_midnight_may_begin_a_day_or_end_one(every: timedelta, compound: bool) -> None:
    bundle = made(np.random.default_rng(7).normal(0.0, 0.01, 240), every, cost=1e-5)
    kept = _kept(bundle, compound=compound)
    assert measure(replace(bundle, daily=kept)).broken == ()
    shifted = changed(kept, "ret_net", np.roll(values(kept, "ret_net"), 1))
    assert "daily_matches_steps" in measure(replace(bundle, daily=shifted)).broken


def test_trades_sum_to_the_steps_or_to_the_days_and_to_nothing_else() -> None:
    bundle = made(np.random.default_rng(7).normal(0.0, 0.01, 240), HOUR, cost=1e-5)
    by_days = float(values(bundle.daily, "ret_net").sum())
    assert abs(by_days - float(values(bundle.steps, "ret_net").sum())) > 1e-5
    assert measure(replace(bundle, trades=changed(bundle.trades, "pnl", [by_days]))).broken == ()
    assert measure(replace(bundle, trades=changed(bundle.trades, "pnl", [by_days + 1e-4]))).broken == (
        "pnl_sums_match",
    )


def test_trades_are_compared_with_the_steps_own_days_where_the_engine_kept_none() -> None:
    bundle = replace(sound(steps_per_day=4), daily=None)
    assert measure(bundle).metrics["invariants.pnl_sums_match"] is True
    assert measure(_trade_profit_inflated(bundle)).broken == ("pnl_sums_match",)


def test_single_precision_adds_up_as_far_as_it_goes() -> None:
    bundle = sound(steps_per_day=4)
    for name in ("ret_gross", "fee", "slippage", "funding", "ret_net"):
        bundle = _steps(bundle, name, lambda column: column.astype(np.float32).astype(np.float64))
    assert "steps_add_up" not in measure(bundle).broken
    lied = _steps(bundle, "ret_gross", lambda gross: (gross + 1e-6).astype(np.float32).astype(np.float64))
    assert "steps_add_up" in measure(lied).broken


def _flipping(share: float) -> Bundle:
    """Return a run that turns its position round every ten days, and tells of a share of what it traded."""
    exposure = np.where(np.arange(400) // 10 % 2, -1.0, 1.0)
    turnover = np.abs(np.diff(exposure, prepend=0.0)) * share
    net = np.random.default_rng(6).normal(0.001, 0.01, 400)
    bundle = made(net, exposure=exposure, turnover=turnover)
    paid = turnover * 1e-4
    for name, column in (("fee", paid), ("slippage", paid), ("ret_gross", net + 2.0 * paid)):
        bundle = replace(bundle, steps=changed(bundle.steps, name, column))
    return replace(bundle, daily=days_of(bundle.steps))


def test_turnover_of_next_to_nothing_hides_no_costs_of_a_position_that_turns() -> None:
    assert measure(_flipping(1.0)).broken == ()
    assert not any("exposure moved" in note for note in measure(_flipping(1.0)).notes)
    for share in (1e-4, 1e-12):
        assert measure(_flipping(share)).broken == ("friction_recorded",)
    assert "friction_recorded" in measure(replace(_flipping(0.0), trades=None)).broken


def test_turnover_that_is_a_tenth_of_what_exposure_moved_by_is_noted() -> None:
    found = measure(_flipping(0.1))
    assert found.broken == ()
    assert any("turnover is 0.1 of what exposure moved by" in note for note in found.notes)


def test_exposure_that_drifts_with_prices_or_is_held_needs_no_turnover() -> None:
    net = np.random.default_rng(6).normal(0.001, 0.01, 400)
    drifting = made(net, exposure=np.cumprod(1.0 + 0.5 * net), cost=1e-7, turnover=1e-3)
    assert measure(drifting).broken == ()
    assert not any("exposure moved" in note for note in measure(drifting).notes)
