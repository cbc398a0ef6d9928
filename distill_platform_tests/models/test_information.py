"""What an input was worth is told with its interval, gain or loss."""

import math

import numpy as np
import pyarrow as pa
import pytest

from distill_platform.core.errors import ModelError
from distill_platform.models.frames import Floats
from distill_platform.models.information import DailyValues, daily_net, daily_rank_ic, information_value
from distill_platform.stats import rank_correlation
from distill_platform_tests.models.made_frames import made_frame

DAYS = np.datetime64("2026-01-01") + np.arange(200)


def daily(values: Floats) -> DailyValues:
    return DailyValues(DAYS[: len(values)], values)


def made(gain: float, seed: int = 0) -> tuple[DailyValues, DailyValues]:
    rng = np.random.default_rng(seed)
    without = rng.normal(0.0, 0.01, 200)
    return daily(without + gain + rng.normal(0.0, 0.002, 200)), daily(without)


def test_a_gain_and_a_loss_are_both_told() -> None:
    for gain in (0.002, -0.002):
        found = information_value(*made(gain))
        assert found.low < found.estimate < found.high
        assert found.estimate == pytest.approx(gain, abs=0.0005)
        assert (found.low > 0.0) == (gain > 0.0)
        assert (found.p < 0.01) == (gain > 0.0)
        assert found.days == 200


def test_what_adds_nothing_has_an_interval_around_zero_in_most_cases() -> None:
    found = [information_value(*made(0.0, seed), resamples=500) for seed in range(40)]
    assert sum(value.low <= 0.0 <= value.high for value in found) >= 33


def test_only_days_that_both_have_count() -> None:
    first, second = made(0.002)
    values = second.values.copy()
    values[:20] = np.nan
    shorter = DailyValues(DAYS[:150], values[:150])
    assert information_value(first, shorter).days == 130


def test_too_few_days_say_nothing() -> None:
    found = information_value(daily(np.ones(9)), daily(np.zeros(9)))
    assert math.isnan(found.estimate)
    assert (found.p, found.days) == (1.0, 9)


def test_days_out_of_order_or_twice_are_refused() -> None:
    good = daily(np.zeros(20))
    for days in (DAYS[:20][::-1], np.repeat(DAYS[:10], 2)):
        with pytest.raises(ModelError, match="ascending"):
            information_value(DailyValues(days, np.zeros(20)), good)


def test_a_days_rank_correlation_is_that_of_the_rows_that_end_in_it() -> None:
    frame = made_frame(bars=49, symbols=2, edge=1.0)
    scores = frame.features.values[:, 0].copy()
    scores[3] = np.nan
    found = daily_rank_ic(frame, scores)
    assert found.days.astype(str).tolist() == ["1970-01-04", "1970-01-05", "1970-01-06"]
    first = [row for row in range(2, 50) if row != 3]
    assert found.values[1] == rank_correlation(scores[first], frame.label[first])
    assert len(daily_rank_ic(frame, np.full(len(frame), np.nan)).days) == 0


def test_daily_profits_are_those_of_the_bundle() -> None:
    daily = pa.table({"day": pa.array([1, 2], pa.date32()), "ret_net": [0.5, -0.25]})
    found = daily_net(daily)
    assert found.days.astype(str).tolist() == ["1970-01-02", "1970-01-03"]
    assert found.values.tolist() == [0.5, -0.25]
