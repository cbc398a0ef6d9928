"""Ablation: what a strategy would have done without a part of it, by rewriting its graph and never the strategy.

A part is a node, a group, or a sub-graph; each of its nodes becomes a stub that takes and gives what the node did, so
nothing downstream changes. Every variant is a trial: its run is sealed with `ablation_spec` and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator

from distill_platform.core.canon import sig_hash
from distill_platform.core.config import StrictModel, nearest
from distill_platform.core.errors import GraphError
from distill_platform.strategies.bundles.manifest import Identifier, SemanticRole
from distill_platform.strategies.graph import Node, StrategyGraph
from distill_platform.strategies.kinds.stub import STUB, Stub
from distill_platform.strategies.wiring import passing_ports, replaced_kind, upstream

_INERT = {Stub.CONSTANT: Stub.PASS_THROUGH, Stub.PASS_THROUGH: Stub.CONSTANT}
_ABLATED_ALONE = (SemanticRole.FEATURE, SemanticRole.SIGNAL, SemanticRole.RISK_SHELL)


class AblationTarget(StrictModel):
    """The part to take out: exactly one of a group, a node, or a node with all that serves nothing but it."""

    group: Identifier | None = None
    node: Identifier | None = None
    subgraph: Identifier | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> AblationTarget:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("name exactly one of group, node and subgraph")
        return self


class AblationSpec(StrictModel):
    """What is taken out and what stands in for it.

    `constant` gives `value`, or without one the value that says nothing for each node's kind (z-score 0, RSI 50, gate
    open); `pass_through` gives the first input of the same schema; `missing` gives NaN: downstream, no position. Within
    a group or sub-graph a node that can have only one of the first two gets that one, unless a value is given.
    """

    target: AblationTarget
    stub: Annotated[Stub, BeforeValidator(Stub)]
    value: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as JSON values, what is not set left out."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def spec_hash(self) -> str:
        """Return the SHA-256 of the specification in canonical form."""
        return sig_hash(self.to_dict())


@dataclass(frozen=True)
class AblationVariant:
    """A rewritten graph, what was done to it, and the hash of the graph that it was made from."""

    spec: AblationSpec
    graph: StrategyGraph
    base_graph_hash: str

    def sealed(self) -> dict[str, Any]:
        """Return the `ablation_spec` of a run's manifest: the specification, the nodes it hit, and the graph before."""
        stubs = [node.node_id for node in self.graph.nodes if node.kind == STUB]
        return {**self.spec.to_dict(), "nodes": sorted(stubs), "base_graph_hash": self.base_graph_hash}


def ablate(graph: StrategyGraph, spec: AblationSpec) -> StrategyGraph:
    """Return `graph` with the part that `spec` names replaced by stubs; the graph itself is not touched.

    Raises GraphError for a part that is not there or holds the execution node, and for a stub that one of its nodes
    cannot have.
    """
    ids = _part(graph, spec.target)
    for node in graph.nodes:
        if node.node_id in ids and node.semantic_role is SemanticRole.EXECUTION:
            raise GraphError(f"node {node.node_id!r} is the execution, without which there is no strategy to judge")
    nodes = tuple(_stubbed(node, spec) if node.node_id in ids else node for node in graph.nodes)
    return StrategyGraph.model_validate({**dict(graph), "nodes": nodes})


def variants(graph: StrategyGraph) -> list[AblationVariant]:
    """Return every group with every stub that its nodes can have, then every single feature, signal and risk shell.

    A node whose rewriting gives the same graph as a group's is left out: the same run is not two trials.
    """
    groups = sorted({node.ablation_group for node in graph.nodes if node.ablation_group is not None})
    alone = [node.node_id for node in graph.nodes if node.semantic_role in _ABLATED_ALONE and node.kind != STUB]
    targets = [AblationTarget(group=name) for name in groups] + [AblationTarget(node=name) for name in alone]
    found: dict[str, AblationVariant] = {}
    for spec in (AblationSpec(target=target, stub=stub) for target in targets for stub in Stub):
        if _fits(graph, spec):
            variant = AblationVariant(spec, ablate(graph, spec), graph.graph_hash)
            found.setdefault(variant.graph.graph_hash, variant)
    return list(found.values())


def _fits(graph: StrategyGraph, spec: AblationSpec) -> bool:
    """Return whether all nodes of the part can have a stub, and at least one has the one that the spec names."""
    ids = _part(graph, spec.target)
    part = [node for node in graph.nodes if node.node_id in ids]
    stubs = [params["stub"] for node in part if (params := _stub_params(node, spec)) is not None]
    executes = any(node.semantic_role is SemanticRole.EXECUTION for node in part)
    return not executes and len(stubs) == len(part) and spec.stub.value in stubs


def _part(graph: StrategyGraph, target: AblationTarget) -> set[str]:
    """Return the ids of the nodes that a target names."""
    if target.group is not None:
        members = {node.node_id for node in graph.nodes if node.ablation_group == target.group}
        groups = [node.ablation_group for node in graph.nodes if node.ablation_group is not None]
        return members or _refuse("group", target.group, groups)
    node_id = target.node or target.subgraph or ""
    ids = [node.node_id for node in graph.nodes]
    if node_id not in ids:
        _refuse("node", node_id, ids)
    return {node_id} if target.subgraph is None else _serving_only(graph, node_id)


def _refuse(what: str, name: str, known: list[str]) -> set[str]:
    raise GraphError(f"the graph has no {what} {name!r}", hint=nearest(name, sorted(set(known))) if known else "")


def _serving_only(graph: StrategyGraph, node_id: str) -> set[str]:
    """Return a node and what is upstream of it and of nothing else, raw inputs left alone: facts are not ablated."""
    without = [node for node in graph.nodes if node.node_id != node_id]
    cut = [
        node.model_copy(update={"inputs": tuple(source for source in node.inputs if source != node_id)})
        for node in without
    ]
    elsewhere = upstream(cut, graph.execution.node_id) if graph.execution.node_id != node_id else set()
    raw = {node.node_id for node in graph.nodes if node.semantic_role is SemanticRole.RAW_INPUT}
    return {node_id} | (upstream(graph.nodes, node_id) - elsewhere - raw)


def _stubbed(node: Node, spec: AblationSpec) -> Node:
    params = _stub_params(node, spec)
    if params is None:
        why = "no value that says nothing" if spec.stub is Stub.CONSTANT else "no input of the same schema"
        hint = "Give a value" if spec.stub is Stub.CONSTANT else "Use constant or missing"
        raise GraphError(f"node {node.node_id!r} ({node.kind}) cannot be {spec.stub}: it has {why}", hint=hint)
    return node.model_copy(update={"kind": STUB, "params": params})


def _stub_params(node: Node, spec: AblationSpec) -> dict[str, Any] | None:
    """Return the parameters of the stub for a node, None if it cannot have one."""
    kind = replaced_kind(node)
    neutral = kind.neutral if spec.value is None else spec.value
    ports = passing_ports(kind, len(node.inputs))
    possible: dict[Stub, dict[str, Any]] = {Stub.MISSING: {}}
    if neutral is not None:
        possible[Stub.CONSTANT] = {"value": neutral}
    if ports and spec.value is None:
        possible[Stub.PASS_THROUGH] = {"port": ports[0]}
    stub = _INERT.get(spec.stub, spec.stub) if spec.stub not in possible and spec.target.node is None else spec.stub
    return {"replaces": kind.name, "stub": stub.value, **possible[stub]} if stub in possible else None
