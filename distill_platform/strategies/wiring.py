"""Wiring: whether nodes fit together. The first thing that does not is named, with its place and the nearest word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from pydantic import ValidationError

from distill_platform.core.config import nearest
from distill_platform.core.errors import GraphError
from distill_platform.strategies.bundles.manifest import SemanticRole
from distill_platform.strategies.kinds import KINDS, NodeKind
from distill_platform.strategies.kinds.kind import Params, Schema
from distill_platform.strategies.kinds.stub import STUB, Stub, StubParams

_FLOW = list(SemanticRole)


class Wired(Protocol):
    """What wiring needs to know of a node."""

    @property
    def node_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def semantic_role(self) -> SemanticRole: ...
    @property
    def inputs(self) -> tuple[str, ...]: ...
    @property
    def params(self) -> dict[str, Any]: ...


def wired(nodes: Sequence[Wired]) -> list[dict[str, Any]]:
    """Return the full parameters of each node, defaults written out.

    Raises GraphError, whose `location` leads to the node, its inputs or its parameters.
    """
    _refuse_twins(nodes)
    by_id = {node.node_id: node for node in nodes}
    params = [_checked(node, position, by_id) for position, node in enumerate(nodes)]
    evaluation_order(nodes)
    _refuse_ends(nodes)
    return params


def replaced_kind(node: Wired) -> NodeKind:
    """Return the kind of a node: for a stub, the kind that it stands in for."""
    return KINDS[str(node.params["replaces"]) if node.kind == STUB else node.kind]


def typed_params(node: Wired) -> Params:
    """Return the parameters of a node of a graph as its kind's own model."""
    model = StubParams if node.kind == STUB else KINDS[node.kind].params
    return model.model_validate(node.params)


def evaluation_order(nodes: Sequence[Wired]) -> list[int]:
    """Return positions so that every node comes after its inputs, else in the order given; GraphError for a circle."""
    left = dict(enumerate(nodes))
    order: list[int] = []
    done: set[str] = set()
    while left:
        ready = [position for position, node in left.items() if done.issuperset(node.inputs)]
        if not ready:
            _refuse_circle(left)
        order += ready
        done.update(left.pop(position).node_id for position in ready)
    return order


def _refuse_twins(nodes: Sequence[Wired]) -> None:
    seen: set[str] = set()
    for position, node in enumerate(nodes):
        if node.node_id in seen:
            raise GraphError(f"node {node.node_id!r} stands twice", location=("nodes", position, "node_id"))
        seen.add(node.node_id)


def _checked(node: Wired, position: int, by_id: dict[str, Wired]) -> dict[str, Any]:
    """Return the full parameters of a node that fits with its neighbours."""
    place = ("nodes", position)
    if node.kind not in KINDS and node.kind != STUB:
        hint = nearest(node.kind, [*KINDS, STUB])
        raise GraphError(f"node {node.node_id!r}: unknown kind {node.kind!r}", location=(*place, "kind"), hint=hint)
    params = _full_params(node, place)
    kind = replaced_kind(node)
    if node.semantic_role not in kind.roles:
        roles = " or ".join(sorted(kind.roles))
        message = f"node {node.node_id!r}: {kind.name} cannot be {node.semantic_role}, only {roles}"
        raise GraphError(message, location=(*place, "semantic_role"))
    _refuse_inputs(node, kind, by_id, place)
    misfit = params.misfit(len(node.inputs))
    if misfit:
        raise GraphError(f"node {node.node_id!r} ({kind.name}): {misfit}", location=(*place, "params"))
    return params.model_dump(mode="json")


def _full_params(node: Wired, place: tuple[str | int, ...]) -> Params:
    model = StubParams if node.kind == STUB else KINDS[node.kind].params
    try:
        params = model.model_validate(node.params)
    except ValidationError as error:
        first = min(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
        name = ".".join(str(part) for part in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        says = f"unknown parameter {name!r}" if unknown else f"{name}: {first['msg'].removeprefix('Value error, ')}"
        hint = nearest(name, list(model.model_fields)) if unknown and model.model_fields else ""
        message = f"node {node.node_id!r} ({node.kind}): {says.removeprefix(': ')}"
        raise GraphError(message, location=(*place, "params", *first["loc"]), hint=hint) from None
    if isinstance(params, StubParams):
        _refuse_stub(node, params, place)
    return params


def _refuse_stub(node: Wired, params: StubParams, place: tuple[str | int, ...]) -> None:
    problem, hint = "", ""
    if params.replaces not in KINDS:
        problem, hint = f"it replaces the unknown kind {params.replaces!r}", nearest(params.replaces, list(KINDS))
    elif (params.value is not None) != (params.stub is Stub.CONSTANT):
        problem = "a constant stub has a value, and no other has"
    elif (params.port is not None) != (params.stub is Stub.PASS_THROUGH):
        problem = "a pass-through stub has a port, and no other has"
    elif params.port is not None:
        ports = passing_ports(KINDS[params.replaces], len(node.inputs))
        problem = "" if params.port in ports else f"port {params.port} does not carry what the node gives"
    elif params.value not in (None, 0.0, 1.0) and KINDS[params.replaces].output is Schema.GATE:
        problem = f"a gate is 0 or 1, not {params.value}"
    if problem:
        raise GraphError(f"node {node.node_id!r} (stub): {problem}", location=(*place, "params"), hint=hint)


def passing_ports(kind: NodeKind, n_inputs: int) -> list[int]:
    """Return the positions of the inputs that have the schema of the output, and so could stand for it."""
    return [position for position in range(n_inputs) if kind.port(position).schema is kind.output]


def _refuse_inputs(node: Wired, kind: NodeKind, by_id: dict[str, Wired], place: tuple[str | int, ...]) -> None:
    if not kind.takes(len(node.inputs)):
        wanted = ", ".join(port.name for port in kind.ports) + (", ..." if kind.variadic else "") or "none"
        message = f"node {node.node_id!r}: {kind.name} takes {wanted} as inputs, and {len(node.inputs)} are given"
        raise GraphError(message, location=(*place, "inputs"))
    for position, source in enumerate(node.inputs):
        problem, hint = _edge_problem(node, kind, position, by_id)
        if problem:
            says = f"node {node.node_id!r}, input {position + 1} ({kind.port(position).name}): {problem}"
            raise GraphError(says, location=(*place, "inputs", position), hint=hint or f"It is wired to {source!r}")


def _edge_problem(node: Wired, kind: NodeKind, position: int, by_id: dict[str, Wired]) -> tuple[str, str]:
    source = by_id.get(node.inputs[position])
    if source is None:
        return f"there is no node {node.inputs[position]!r}", nearest(node.inputs[position], list(by_id))
    if _FLOW.index(source.semantic_role) > _FLOW.index(node.semantic_role):
        return f"a {node.semantic_role} cannot depend on a {source.semantic_role}", ""
    given = _output(source)
    if given is not None and given is not kind.port(position).schema:
        return f"takes a {kind.port(position).schema}, and {source.node_id!r} gives a {given}", ""
    return "", ""


def _output(node: Wired) -> Schema | None:
    """Return what a node gives, None if its own kind is yet to be found unknown."""
    name = node.params.get("replaces") if node.kind == STUB else node.kind
    kind = KINDS.get(str(name))
    return None if kind is None else kind.output


def _refuse_circle(left: dict[int, Wired]) -> None:
    by_id = {node.node_id: (position, node) for position, node in left.items()}
    path = [min(left.items())[1].node_id]
    while path[-1] not in path[:-1]:
        path.append(next(source for source in by_id[path[-1]][1].inputs if source in by_id))
    circle = path[path.index(path[-1]) :]
    message = f"nodes depend on each other in a circle: {' <- '.join(circle)}"
    raise GraphError(message, location=("nodes", by_id[circle[0]][0], "inputs"))


def _refuse_ends(nodes: Sequence[Wired]) -> None:
    """Refuse a graph without exactly one execution node, and nodes that it does not depend on."""
    ends = [position for position, node in enumerate(nodes) if node.semantic_role is SemanticRole.EXECUTION]
    if len(ends) != 1:
        location = ("nodes", ends[1]) if ends else ("nodes",)
        raise GraphError(f"a strategy has exactly one execution node, and this one has {len(ends)}", location=location)
    used = upstream(nodes, nodes[ends[0]].node_id)
    for position, node in enumerate(nodes):
        if node.node_id not in used:
            hint = "Wire it, or take it out"
            raise GraphError(f"nothing uses node {node.node_id!r}", location=("nodes", position), hint=hint)


def upstream(nodes: Sequence[Wired], node_id: str) -> set[str]:
    """Return the ids of a node and of everything that it depends on."""
    inputs = {node.node_id: node.inputs for node in nodes}
    found, waiting = {node_id}, [node_id]
    while waiting:
        new = set(inputs[waiting.pop()]) - found
        found |= new
        waiting.extend(new)
    return found
