"""Paper: what a model's weights made of each day at sealed costs, and what slippage is no anomaly."""

import math

import numpy as np
import pyarrow as pa
import pytest

from distill_platform.core.errors import ModelError
from distill_platform.models.predictions.schema import PREDICTIONS
from distill_platform.models.rollout.execution import ExecutionBounds
from distill_platform.models.rollout.paper import beside_sealed, paper_days, weight_panel
from distill_platform.models.rollout.settings import ExecutionSettings
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.engine.costs import CostProfile

HOUR = 3_600 * 10**9
FIRST_DAY = 20_500
BARS = Bars(
    24 * HOUR * FIRST_DAY + HOUR * np.arange(1, 49),
    ("A", "B"),
    100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.01, (48, 2)), axis=0)),
)
NAMES = ("symbol", "ts", "weight")


def rows(*each: tuple[str, int, float]) -> pa.Table:
    """Return predictions: symbol, number of the bar, weight."""
    moment = PREDICTIONS.field("ts").type
    stamps = [(24 * HOUR * FIRST_DAY + HOUR * (bar + 1)) // 1_000 for _, bar, _ in each]
    return pa.table(
        {
            "symbol": pa.array([name for name, _, _ in each], pa.string()),
            "ts": pa.array(stamps, pa.int64()).cast(moment),
            "weight": pa.array([weight for _, _, weight in each], pa.float64()),
        }
    )


def test_weights_stand_where_they_were_decided_and_nowhere_else() -> None:
    panel = weight_panel(rows(("B", 3, 0.5), ("A", 47, -0.25), ("A", 99, 1.0)), BARS)
    assert (panel[3, 1], panel[47, 0], np.count_nonzero(panel)) == (0.5, -0.25, 2)
    assert not weight_panel(rows(), BARS).any()


def test_two_weights_of_one_moment_and_strangers_are_refused() -> None:
    with pytest.raises(ModelError, match="two weights"):
        weight_panel(rows(("A", 3, 0.5), ("A", 3, 0.1)), BARS)
    with pytest.raises(ModelError, match="'C'"):
        weight_panel(rows(("C", 3, 0.5)), BARS)


def test_days_sum_to_the_whole_and_costs_are_paid() -> None:
    weights = np.full((48, 2), 0.5)
    free, paid = (paper_days(weights, BARS, CostProfile(fee_bps=bps, slippage_bps=bps), 0.0) for bps in (0.0, 5.0))
    assert list(paid) == [FIRST_DAY, FIRST_DAY + 1]
    assert all(paid[day].ret_net < free[day].ret_net for day in paid)
    whole = math.prod(1.0 + free[day].ret_net for day in free) - 1.0
    assert whole == pytest.approx(float(np.mean(BARS.close[-1] / BARS.close[1])) - 1.0, abs=2e-3)
    assert paid[FIRST_DAY].execution.slippage_bps == pytest.approx(5.0)
    assert paid[FIRST_DAY].execution.reject_rate == 0.0


def test_a_model_that_asks_for_nothing_makes_nothing_and_orders_nothing() -> None:
    found = paper_days(np.zeros((48, 2)), BARS, CostProfile(fee_bps=5.0), 0.0)[FIRST_DAY]
    assert (found.ret_net, found.execution.reject_rate, found.execution.slippage_bps) == (0.0, None, None)


@pytest.mark.parametrize(("sealed", "usual", "bound"), [(0.0, 5.0, 5.0), (30.0, 5.0, 35.0), (1.0, 40.0, 40.0)])
def test_slippage_that_the_world_seals_is_no_anomaly(sealed: float, usual: float, bound: float) -> None:
    found = beside_sealed(ExecutionBounds(0.05, usual), CostProfile(slippage_bps=sealed), ExecutionSettings())
    assert (found.reject_rate, found.slippage_bps) == (0.05, bound)
