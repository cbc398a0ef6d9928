"""vectorbt, where there is an environment with it, makes the same orders, trades and money of the same strategy."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from benchmarks.backtests.cases import BacktestCase, random_case
from benchmarks.backtests.contest import AGREES_TO, compared_with_vectorbt
from distill_platform.strategies.computing import target_weights
from distill_platform.strategies.graph import load_graph
from distill_platform.strategies.market.presets import SP500_DAILY, load_preset

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-vectorbt" / "bin" / "python"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="vectorbt has no environment; `make bench` makes it"),
]


@pytest.mark.parametrize("seed", [1, 2])
def test_vectorbt_agrees_on_random_targets(seed: int, tmp_path: Path) -> None:
    assert compared_with_vectorbt(random_case(1_500, 30, seed), PYTHON, tmp_path) <= AGREES_TO


@pytest.mark.skipif(importlib.util.find_spec("skfolio") is None, reason="skfolio carries the data")
@pytest.mark.parametrize("name", ["trend_following", "xs_momentum_12_1", "low_volatility"])
def test_vectorbt_agrees_on_strategies_and_real_stocks(name: str, tmp_path: Path) -> None:
    bars = load_preset(SP500_DAILY).bars
    weights = target_weights(load_graph(ROOT / f"config/strategies/{name}.yaml"), bars)
    invested = np.abs(weights).sum(axis=1).max()
    case = BacktestCase(
        bars, weights * 0.8 / invested
    )  # vectorbt lends no cash, not even when prices rise before a fill
    assert compared_with_vectorbt(case, PYTHON, tmp_path) <= AGREES_TO
