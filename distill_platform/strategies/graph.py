"""Strategy graphs: a strategy as data, from raw inputs to one execution node, in YAML or in Python.

A graph that exists is one that can be evaluated: every kind and input is known, every edge carries what its port takes
and runs from an earlier role to the same or a later one, every parameter is in its range and stands in the node (also
those left to their defaults), nothing is circular and nothing is left over.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from distill_platform.core.canon import sig_hash
from distill_platform.core.config import StrictModel, load_yaml, place_of
from distill_platform.core.errors import GraphError
from distill_platform.strategies.bundles.manifest import Identifier, ManifestNode, SemanticRole
from distill_platform.strategies.kinds import execution
from distill_platform.strategies.wiring import wired

Words = Annotated[tuple[str, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]
Interval = Annotated[str, StringConstraints(pattern=r"\A[1-9][0-9]{0,3}[smhdw]\z")]


class Node(StrictModel):
    """One node: what it is for, what it computes, and from what; `inputs` are node ids in the order of its ports."""

    node_id: Identifier
    kind: str
    semantic_role: Annotated[SemanticRole, BeforeValidator(SemanticRole)]
    family: Annotated[str, Field(min_length=1, max_length=128)]
    ablation_group: Identifier | None = None
    inputs: Words = ()
    params: dict[str, Any] = Field(default_factory=dict)


Nodes = Annotated[tuple[Node, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]


class StrategyGraph(StrictModel):
    """A strategy: its nodes, the interval of its bars, and its universe, null for every symbol that the bars have."""

    strategy_id: Identifier
    description: Annotated[str, Field(min_length=1)]
    interval: Interval
    symbols: Words | None = None
    nodes: Nodes

    @field_validator("symbols")
    @classmethod
    def _distinct(cls, symbols: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if symbols is not None and (not symbols or len(set(symbols)) < len(symbols)):
            raise ValueError("symbols must be at least one, and none twice; leave them out for all")
        return symbols

    @field_validator("nodes")
    @classmethod
    def _wired(cls, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        params = wired(nodes)
        return tuple(node.model_copy(update={"params": full}) for node, full in zip(nodes, params, strict=True))

    def node(self, node_id: str) -> Node:
        """Return the node of that id; KeyError if there is none."""
        return {node.node_id: node for node in self.nodes}[node_id]

    @property
    def execution(self) -> Node:
        """Return the node that hands the target weights to the engine."""
        return next(node for node in self.nodes if node.semantic_role is SemanticRole.EXECUTION)

    @property
    def graph_hash(self) -> str:
        """Return the SHA-256 of the graph in canonical form; the order of nodes does not count, their inputs' does."""
        declared = self.model_dump(mode="json")
        declared["nodes"].sort(key=lambda node: node["node_id"])
        return sig_hash(declared)


def load_graph(path: Path) -> StrategyGraph:
    """Return the strategy that a YAML file declares.

    Raises ConfigError, for wrong graphs its kind GraphError, with file, line and column.
    """
    try:
        return load_yaml(path, StrategyGraph)
    except GraphError as error:
        error.file = str(path)
        error.line, error.column = place_of(path, error.location)
        raise


def manifest_nodes(graph: StrategyGraph) -> list[ManifestNode]:
    """Return the nodes as a run's manifest lists them; a node's kind goes with its parameters, under `kind`."""
    return [
        ManifestNode(
            node_id=node.node_id,
            semantic_role=node.semantic_role,
            family=node.family,
            ablation_group=node.ablation_group,
            inputs=list(node.inputs),
            params={"kind": node.kind, **node.params},
        )
        for node in graph.nodes
    ]


def execution_params(graph: StrategyGraph) -> execution.Execution:
    """Return how the engine is to round and bound orders."""
    return execution.Execution.model_validate(graph.execution.params)
