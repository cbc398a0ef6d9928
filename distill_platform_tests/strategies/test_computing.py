"""From bars and a graph to the weights that the engine gets."""

import numpy as np
import pytest

from distill_platform.core.errors import BarsError
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.computing import evaluate_graph, target_weights
from distill_platform_tests.strategies.markets import DAY, graph, market, node

ALL = (
    node("listed", "listed"),
    node("book", "position_target", ("listed",), sizing="equal"),
    node("orders", "execution", ("book",)),
)


def test_everything_listed_is_held_alike() -> None:
    close = np.array([[1.0, np.nan, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]])
    bars = Bars(np.array([1, 2]) * DAY, ("A", "B", "C", "D"), close)
    assert target_weights(graph(*ALL), bars).tolist() == [[1 / 3, 0, 1 / 3, 1 / 3], [0.25] * 4]
    some = evaluate_graph(graph(*ALL, symbols=("D", "B")), bars)
    assert some.weights.tolist() == [[0, 0, 0, 1.0], [0, 0.5, 0, 0.5]]
    assert some.unknown.tolist() == [0, 0]


def test_the_order_in_which_nodes_are_declared_changes_nothing() -> None:
    bars = market()
    first, second = evaluate_graph(graph(*ALL), bars), evaluate_graph(graph(*reversed(ALL)), bars)
    assert first.graph_hash == second.graph_hash
    assert set(first.values) == set(second.values) == {"listed", "book", "orders"}
    np.testing.assert_array_equal(first.weights, second.weights)


def test_what_is_without_a_position_for_want_of_knowledge_is_counted() -> None:
    bars = market(rows=50, holes=False)
    found = evaluate_graph(
        graph(
            node("close", "close"),
            node("mean", "sma", ("close",), window=10),
            node("up", "crossover", ("close", "mean")),
            node("book", "position_target", ("up",), sizing="slots"),
            node("orders", "execution", ("book",)),
        ),
        bars,
    )
    assert found.unknown.tolist() == [5] * 9 + [0] * 41
    assert not found.weights[:9].any()


def test_results_are_read_only() -> None:
    found = evaluate_graph(graph(*ALL), market())
    for values in (found.weights, *found.values.values()):
        with pytest.raises(ValueError, match="read-only"):
            values[0, 0] = 1.0


def test_a_symbol_that_the_bars_do_not_have_is_named() -> None:
    bars = Bars(np.array([DAY]), ("AAPL", "MSFT"), np.ones((1, 2)))
    with pytest.raises(BarsError, match=r"trades 'APL', which the bars do not have. Did you mean 'AAPL'?"):
        evaluate_graph(graph(*ALL, symbols=("APL",)), bars)


def test_a_field_that_the_bars_do_not_have_is_named() -> None:
    bars = Bars(np.array([DAY]), ("AAPL",), np.ones((1, 1)))
    book = node("book", "position_target", ("volume",), sizing="equal")
    with pytest.raises(BarsError, match="reads 'volume', and these bars have none"):
        evaluate_graph(graph(node("volume", "volume"), book, node("orders", "execution", ("book",))), bars)
