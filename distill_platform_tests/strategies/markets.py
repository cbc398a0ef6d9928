"""Made-up markets and graphs around one kind, for the tests of strategies."""

import numpy as np

from distill_platform.strategies.bars import Bars
from distill_platform.strategies.graph import Node, StrategyGraph
from distill_platform.strategies.kinds import KINDS, Port, Schema
from distill_platform.strategies.kinds.kind import NodeKind
from distill_platform.strategies.wiring import upstream

DAY = 86_400_000_000_000


def market(rows: int = 640, symbols: int = 5, *, holes: bool = True, seed: int = 3) -> Bars:
    """Random walks; with holes, one symbol lists late, bars are missing, and a price does not move for a while."""
    random = np.random.default_rng(seed)
    close = 50.0 * np.exp(np.cumsum(random.normal(0.0003, 0.02, (rows, symbols)), axis=0))
    open_ = close * np.exp(random.normal(0.0, 0.005, close.shape))
    high = np.maximum(open_, close) * (1.0 + random.uniform(0.0, 0.01, close.shape))
    low = np.minimum(open_, close) * (1.0 - random.uniform(0.0, 0.01, close.shape))
    volume = random.integers(0, 1000, close.shape).astype(float)
    fields = [open_, high, low, close, volume]
    if holes:
        missing = random.random(close.shape) < 0.002
        missing[: rows // 4, -1] = True
        still = slice(rows // 2, rows // 2 + rows // 10)
        for values in fields:
            values[still, 0] = values[rows // 2, 0]
            values[missing] = np.nan
    names = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:symbols])
    stamps = (np.arange(rows) + 10_000) * DAY
    return Bars(stamps, names, close, open=open_, high=high, low=low, volume=volume)


def node(node_id: str, kind: str, inputs: tuple[str, ...] = (), **params: object) -> Node:
    role = min(KINDS[kind].roles)
    return Node(node_id=node_id, kind=kind, semantic_role=role, family="test", inputs=inputs, params=params)


def graph(*nodes: Node, strategy_id: str = "test", symbols: tuple[str, ...] | None = None) -> StrategyGraph:
    return StrategyGraph(strategy_id=strategy_id, description="A test.", interval="1d", symbols=symbols, nodes=nodes)


def around(kind: NodeKind) -> StrategyGraph:
    """The smallest graph that has a node of this kind, called `it`, with its example parameters and made-up inputs."""
    ports = [*kind.ports, kind.ports[-1]] if kind.variadic else list(kind.ports)
    inputs = tuple(_feed(port, number) for number, port in enumerate(ports))
    nodes = [*FEEDS, node("it", kind.name, inputs, **kind.example)]
    end = "it"
    if kind.output is Schema.GATE:
        nodes += [node("listed", "listed"), node("open", "when_open", ("listed", end))]
        end = "open"
    if kind.output is not Schema.TARGET:
        nodes.append(node("answer", "position_target", (end,), sizing="proportional", side="long_short"))
        end = "answer"
    if kind.name != "execution":
        nodes.append(node("orders", "execution", (end,)))
        end = "orders"
    used = upstream(nodes, end)
    return graph(*(each for each in nodes if each.node_id in used))


FEEDS = (
    node("close", "close"),
    node("high", "high"),
    node("low", "low"),
    node("mean", "sma", ("close",), window=5),
    node("changes", "returns", ("close",)),
    node("spread", "volatility", ("changes",), window=10),
    node("range", "atr", ("high", "low", "close"), window=10),
    node("opinion", "demean", ("close",)),
    node("gate_0", "above", ("close", "mean")),
    node("gate_1", "above", ("low", "mean")),
    node("book", "position_target", ("opinion",), sizing="equal", side="long_short", gross=2.5),
)


PANELS = {
    "high": "high",
    "low": "low",
    "second": "mean",
    "slow": "mean",
    "returns": "changes",
    "volatility": "spread",
    "atr": "range",
}


def _feed(port: Port, number: int) -> str:
    if port.schema is Schema.PANEL:
        return PANELS.get(port.name, "close")
    return f"gate_{number % 2}" if port.schema is Schema.GATE else "book"
