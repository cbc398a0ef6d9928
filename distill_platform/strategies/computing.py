"""Computing a graph: the values of every node on given bars, and the target weights for the engine.

Row t of any value is known at the end of bar t, so the engine may act on it in bar t + 1 at the earliest. What is held
to here, whatever a kind does: values are float64 of shape (T, N) and read-only; infinities are NaN; a value is NaN
wherever one of the node's inputs is NaN in the same bar and symbol; gates are 0, 1 or NaN; a NaN target is no position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.core.config import nearest
from distill_platform.core.errors import BarsError, KindError
from distill_platform.strategies.bars import Bars, Panel
from distill_platform.strategies.graph import Node, StrategyGraph
from distill_platform.strategies.kinds.kind import Schema
from distill_platform.strategies.kinds.stub import Stub, StubParams
from distill_platform.strategies.wiring import evaluation_order, replaced_kind, typed_params


@dataclass(frozen=True, eq=False)
class GraphValues:
    """What a graph computed on T bars of N symbols.

    `values` holds each node's own panel, `weights` the targets without any NaN. `unknown` counts, for each bar, the
    symbols of the universe that have a close but no known target: these are without a position for want of knowledge.
    """

    graph_hash: str
    values: Mapping[str, Panel]
    weights: Panel
    unknown: npt.NDArray[np.int64]


def evaluate_graph(graph: StrategyGraph, bars: Bars) -> GraphValues:
    """Return the values of all nodes of `graph` on `bars`, weights and values of shape (T, N) in the bars' symbols.

    Raises BarsError for a universe or a field that the bars do not have, KindError for a kind that breaks its word.
    """
    outside = _outside_universe(graph, bars)
    values: dict[str, Panel] = {}
    for position in evaluation_order(graph.nodes):
        node = graph.nodes[position]
        inputs = [values[source] for source in node.inputs]
        values[node.node_id] = _held_to_its_word(node, _computed(node, bars, inputs), inputs, outside)
    target = values[graph.execution.node_id]
    known = ~np.isnan(target) & ~np.isnan(bars.close)
    weights = np.where(known, target, 0.0)
    weights.flags.writeable = False
    unknown = (~np.isnan(bars.close) & ~known & ~outside).sum(axis=1)
    return GraphValues(graph.graph_hash, values, weights, unknown)


def target_weights(graph: StrategyGraph, bars: Bars) -> Panel:
    """Return the target weight of each symbol at the end of each bar, shape (T, N), fractions of equity, never NaN."""
    return evaluate_graph(graph, bars).weights


def _outside_universe(graph: StrategyGraph, bars: Bars) -> npt.NDArray[np.bool_]:
    for symbol in graph.symbols or ():
        if symbol not in bars.symbols:
            hint = nearest(symbol, list(bars.symbols))
            raise BarsError(f"strategy {graph.strategy_id!r} trades {symbol!r}, which the bars do not have", hint=hint)
    universe = bars.symbols if graph.symbols is None else graph.symbols
    outside = np.array([symbol not in universe for symbol in bars.symbols])
    return np.broadcast_to(outside, bars.close.shape)


def _computed(node: Node, bars: Bars, inputs: list[Panel]) -> Any:
    params = typed_params(node)
    if isinstance(params, StubParams):
        return _stubbed(params, bars, inputs)
    with np.errstate(all="ignore"):  # what comes of dividing by nothing is NaN, and NaN is dealt with
        return replaced_kind(node).compute(params, *inputs) if inputs else replaced_kind(node).compute(params, bars)


def _stubbed(params: StubParams, bars: Bars, inputs: list[Panel]) -> Panel:
    if params.stub is Stub.PASS_THROUGH and params.port is not None:
        return inputs[params.port]
    if params.stub is Stub.CONSTANT and params.value is not None:
        return np.where(np.isnan(bars.close), np.nan, params.value)
    return np.full(bars.close.shape, np.nan)


def _held_to_its_word(node: Node, found: Any, inputs: list[Panel], outside: npt.NDArray[np.bool_]) -> Panel:
    if not isinstance(found, np.ndarray) or found.dtype != np.float64 or found.shape != outside.shape:
        gave = f"{found.dtype} of shape {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
        raise KindError(f"node {node.node_id!r} ({node.kind}) gave {gave}, not float64 of shape {outside.shape}")
    values = np.where(np.isfinite(found) & ~outside, found, np.nan)
    for given in () if node.params.get("stub") == Stub.CONSTANT else inputs:
        values[np.isnan(given)] = np.nan
    if replaced_kind(node).output is Schema.GATE and not np.isin(values[~np.isnan(values)], (0.0, 1.0)).all():
        raise KindError(f"node {node.node_id!r} ({node.kind}) gave a gate that is neither 0 nor 1")
    values.flags.writeable = False
    return values
