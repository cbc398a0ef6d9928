"""The strategies in config/strategies: they load, look back only, and do what their descriptions say."""

from pathlib import Path

import numpy as np
import pytest

from distill_platform.strategies.bars import Bars
from distill_platform.strategies.causality import look_ahead
from distill_platform.strategies.computing import evaluate_graph
from distill_platform.strategies.graph import StrategyGraph, load_graph
from distill_platform_tests.strategies.markets import market

PATHS = sorted((Path(__file__).parents[2] / "config" / "strategies").glob("*.yaml"))
GRAPHS = {path.stem: load_graph(path) for path in PATHS}
GRAPH = pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
FULL = market(rows=900, symbols=20)
BARS = Bars(FULL.ts, FULL.symbols, FULL.close)


@GRAPH
def test_a_sample_looks_back_only(graph: StrategyGraph) -> None:
    assert look_ahead(graph, BARS, (1, 300, 700, 899)) == ()


@GRAPH
def test_a_sample_trades_on_closes_alone_and_within_its_equity(graph: StrategyGraph) -> None:
    weights = evaluate_graph(graph, BARS).weights
    gross = np.abs(weights).sum(axis=1)
    assert weights.any() == (graph.strategy_id != "never_trades")
    assert gross.max() <= (1.5 if graph.strategy_id == "trend_following" else 1.0) + 1e-9


@GRAPH
def test_a_sample_is_named_like_its_file_and_says_what_it_does(graph: StrategyGraph) -> None:
    assert GRAPHS[graph.strategy_id] is graph
    assert len(graph.description) > 100


def test_neutral_books_are_neutral() -> None:
    for name in ("xs_momentum_12_1", "placebo_turnover"):
        net = evaluate_graph(GRAPHS[name], FULL).weights.sum(axis=1)
        assert np.abs(net).max() < 0.21, name  # a monthly book loses a leg where a bar is missing


def test_the_placebo_turns_everything_over() -> None:
    weights = evaluate_graph(GRAPHS["placebo_turnover"], BARS).weights
    assert np.abs(np.diff(weights, axis=0)).sum(axis=1).mean() > 1.0
