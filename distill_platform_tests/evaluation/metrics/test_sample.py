"""How much there is to judge a run by: trades are trades, breaks are no history, and idle time is no coverage."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from distill_platform_tests.evaluation.metrics.made import DAY, HOUR, START, changed, made, measure, orders, sound

NOISE = np.random.default_rng(9).normal(0.001, 0.01, 2000)


def test_trade_count_is_number_of_periods() -> None:
    """What a platform we know did: without a trades table, it counted returns and called them trades."""
    found = measure(replace(sound(days=700), trades=None))
    assert math.isnan(found.number("sample.n_trades_total"))
    assert math.isnan(found.number("sample.n_trades_per_year"))
    assert found.metrics["triage.zero_trades"] is None
    assert found.metrics["triage.sample_starved"] is None
    assert measure(made(NOISE)).number("sample.n_trades_total") == 1


def test_trades_are_counted_by_the_year() -> None:
    bundle = sound(days=730)
    found = measure(bundle)
    assert found.number("sample.effective_history_years") == 2.0
    assert found.number("sample.n_trades_total") == bundle.trades.num_rows
    assert found.number("sample.n_trades_per_year") == bundle.trades.num_rows / 2


def test_a_long_break_is_no_history() -> None:
    ends = [START + (place + (3650 if place >= 30 else 0)) * DAY for place in range(1, 61)]
    found = measure(made(NOISE[:60], ends=ends))
    assert found.number("sample.effective_history_years") == pytest.approx(60 / 365)
    assert found.number("sample.data_coverage") < 0.02


def test_weekends_and_holidays_are_history() -> None:
    ends = [START + (7 * (place // 5) + place % 5 + 1) * DAY for place in range(520)]
    ends = [end for place, end in enumerate(ends) if place % 31]
    found = measure(made(NOISE[: len(ends)], ends=ends))
    assert found.number("sample.effective_history_years") == pytest.approx(727 / 365, abs=0.02)
    assert found.number("sample.data_coverage") == pytest.approx(30 / 31, abs=0.01)


def test_monthly_steps_are_covered() -> None:
    ends = [START + (place + 1) * 30 * DAY for place in range(48)]
    found = measure(made(NOISE[:48], ends=ends))
    assert found.number("sample.data_coverage") == 1.0
    assert found.number("sample.effective_history_years") == pytest.approx(47 * 30 / 365, abs=0.01)


def test_missing_hours_are_missing_and_crowded_days_do_not_make_up_for_them() -> None:
    ends = [START + (place + 1) * HOUR for place in range(24 * 60)]
    ends = [end for place, end in enumerate(ends) if not 24 * 10 + 12 <= place < 24 * 11]
    ends = sorted([*ends, *(START + 20 * DAY + timedelta(minutes=minute) for minute in range(1, 13))])
    found = measure(made(NOISE[: len(ends)], ends=ends))
    assert found.number("sample.data_coverage") == pytest.approx((60 * 24 - 12) / (60 * 24))


def test_use_of_the_market_is_measured_where_there_is_some() -> None:
    bundle = made(NOISE[:400], turnover=np.where(np.arange(400) % 25, 0.0, 1.0))
    share = np.where(np.arange(400) % 25, 0.0, 0.9)
    steps = bundle.steps.append_column("adv_utilization", [share]).append_column("participation", [share * 0.5])
    found = measure(replace(bundle, steps=steps))
    assert found.number("risk.adv_utilization_p95") == pytest.approx(0.9)
    assert found.number("risk.participation_rate_p95") == pytest.approx(0.45)


def test_what_no_column_or_table_tells_is_unknown() -> None:
    found = measure(made(NOISE[:400]))
    for name in ("adv_utilization_p95", "participation_rate_p95", "reject_rate"):
        assert math.isnan(found.number(f"risk.{name}"))
    assert math.isnan(found.number("benchmark.beta"))
    silent = changed(sound().steps, "adv_utilization", [None, *[0.1] * 399])
    assert math.isnan(measure(replace(sound(), steps=silent)).number("risk.adv_utilization_p95"))


def test_rejects_turnover_and_exposure_are_counted() -> None:
    bundle = replace(made(NOISE[:365], turnover=0.5, exposure=-2.0), orders=orders("filled", "rejected", "partial"))
    found = measure(bundle)
    assert found.number("risk.reject_rate") == pytest.approx(1 / 3)
    assert found.number("risk.turnover_annual") == pytest.approx(365 * 0.5)
    assert (found.number("risk.mean_exposure"), found.number("risk.max_exposure")) == (-2.0, 2.0)


def test_an_order_that_was_filled_in_parts_hides_no_reject() -> None:
    bundle = sound()
    parts = pa.concat_tables([orders("filled", "rejected"), orders(*["partial"]).take(pa.array([0] * 98))])
    assert measure(replace(bundle, orders=parts)).metrics["risk.reject_rate"] == 0.5
