"""Executions are held against a model's own earlier days."""

import math

import numpy as np
import pyarrow as pa
import pytest

from distill_platform.models.rollout.drift import DriftReading
from distill_platform.models.rollout.execution import Execution, ExecutionBounds, execution_bounds, execution_of
from distill_platform.models.rollout.observation import observation_of
from distill_platform.models.rollout.settings import ExecutionSettings
from distill_platform_tests.models.made_models import MONDAY

SETTINGS = ExecutionSettings()


def days(rates: list[float | None], costs: list[float | None]) -> list[Execution]:
    return [Execution(rate, cost) for rate, cost in zip(rates, costs, strict=True)]


def test_a_day_s_executions_are_read_from_the_tables_of_a_run() -> None:
    orders = pa.table({"status": ["filled", "rejected", "partial", "filled"]})
    steps = pa.table({"turnover": [0.5, 0.0, 0.5], "slippage": [0.0001, 0.0, 0.0002]})
    found = execution_of(orders, steps)
    assert found.reject_rate == 0.25
    assert found.slippage_bps == pytest.approx(3.0)
    assert execution_of(orders.slice(0, 0), steps.slice(1, 1)) == Execution(None, None)


def test_what_is_usual_is_learned_from_a_model_s_own_days() -> None:
    history = days([0.2, 0.21, 0.19, 0.2] * 10, [20.0, 21.0, 19.0, 20.0] * 10)
    found = execution_bounds(history, SETTINGS)
    assert 0.2 < found.reject_rate < 0.3
    assert 20.0 < found.slippage_bps < 30.0


def test_little_is_never_an_anomaly_and_a_short_history_knows_the_floors_only() -> None:
    calm = execution_bounds(days([0.0] * 40, [0.1] * 40), SETTINGS)
    assert (calm.reject_rate, calm.slippage_bps) == (SETTINGS.min_reject_rate, SETTINGS.min_slippage_bps)
    short = execution_bounds(days([0.9] * 19, [90.0] * 19), SETTINGS)
    assert (short.reject_rate, short.slippage_bps) == (SETTINGS.min_reject_rate, SETTINGS.min_slippage_bps)


def test_days_without_orders_or_numbers_are_no_history() -> None:
    strange = days([None, math.nan, math.inf] * 20, [None, math.nan, -math.inf] * 20)
    assert execution_bounds(strange, SETTINGS).reject_rate == SETTINGS.min_reject_rate


def test_one_terrible_day_does_not_become_usual() -> None:
    found = execution_bounds(days([0.01] * 30 + [1.0], [1.0] * 30 + [1e6]), SETTINGS)
    assert (found.reject_rate, found.slippage_bps) == (0.05, 5.0)


def test_a_day_is_observed_as_what_it_is_to_its_bounds() -> None:
    scores, usual = np.array([0.1, math.nan, 0.2, 0.3]), ExecutionBounds(0.1, 5.0)
    found = observation_of("1" * 64, MONDAY, scores, -0.01, DriftReading({}, "spread", 0.4), Execution(0.2, 4.0), usual)
    assert (found.coverage, found.ret_net, found.drift, found.drift_feature) == (0.75, -0.01, 0.4, "spread")
    assert (found.reject_ratio, found.slippage_ratio) == (2.0, 0.8)
    empty = observation_of(
        "1" * 64, MONDAY, scores[:0], 0.0, DriftReading({}, "", math.nan), Execution(None, None), usual
    )
    assert (empty.coverage, empty.reject_ratio, empty.slippage_ratio) == (0.0, None, None)
