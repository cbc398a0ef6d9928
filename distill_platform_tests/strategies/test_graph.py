"""A graph that exists can be evaluated; what cannot is refused with its place and the nearest known word."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from distill_platform.core.errors import ConfigError, GraphError
from distill_platform.strategies.graph import StrategyGraph, execution_params, load_graph, manifest_nodes

DECLARED = """\
strategy_id: dips
description: Buy what fell.
interval: 1d
nodes:
  - {node_id: close, kind: close, semantic_role: raw_input, family: price}
  - {node_id: stretched, kind: z_score, semantic_role: feature, family: value, inputs: [close], params: {window: 20}}
  - {node_id: dip, kind: between, semantic_role: signal, family: reversion, inputs: [stretched], params: {max: -2.0}}
  - {node_id: buy, kind: when_open, semantic_role: signal, family: reversion, inputs: [close, dip]}
  - {node_id: slots, kind: position_target, semantic_role: intent, family: size, inputs: [buy], params: {sizing: slots}}
  - {node_id: cap, kind: leverage_cap, semantic_role: risk_shell, family: caps, inputs: [slots], params: {max_gross: 1}}
  - {node_id: orders, kind: execution, semantic_role: execution, family: execution, inputs: [cap], params: {lot: 1.0}}
"""


def loaded(tmp_path: Path, text: str) -> StrategyGraph:
    path = tmp_path / "dips.yaml"
    path.write_text(text)
    return load_graph(path)


def test_python_and_yaml_make_the_same_graph(tmp_path: Path) -> None:
    from_python = StrategyGraph(**yaml.safe_load(DECLARED))
    assert from_python == loaded(tmp_path, DECLARED)
    assert from_python.graph_hash == loaded(tmp_path, DECLARED).graph_hash


def test_a_graph_written_out_is_the_same_graph(tmp_path: Path) -> None:
    first = loaded(tmp_path, DECLARED)
    again = loaded(tmp_path, yaml.safe_dump(first.model_dump(mode="json")))
    assert again == first


def test_defaults_are_written_out_so_that_the_hash_covers_them(tmp_path: Path) -> None:
    short = loaded(tmp_path, DECLARED)
    assert short.node("slots").params == {"side": "long_only", "gross": 1.0, "sizing": "slots"}
    assert short.node("cap").params == {"max_gross": 1.0}
    spelled = loaded(tmp_path, DECLARED.replace("sizing: slots}", "sizing: slots, gross: 1.0}"))
    assert spelled.graph_hash == short.graph_hash


def test_the_hash_covers_parameters_and_wiring_but_not_the_order_of_nodes(tmp_path: Path) -> None:
    first = loaded(tmp_path, DECLARED)
    lines = DECLARED.splitlines()
    shuffled = loaded(tmp_path, "\n".join([*lines[:4], *reversed(lines[4:])]))
    changed = [("window: 20", "window: 21"), ("family: value", "family: reversion"), ("dips", "drops")]
    changed += [("inputs: [close, dip]", "inputs: [stretched, dip]"), ("1d", "1h")]
    others = [loaded(tmp_path, DECLARED.replace(old, new)).graph_hash for old, new in changed]
    assert shuffled.graph_hash == first.graph_hash
    assert len({first.graph_hash, *others}) == len(changed) + 1


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("kind: z_score", "kind: zscore", 6, "unknown kind 'zscore'. Did you mean 'z_score'?"),
        ("kind: z_score", "kind: stub", 6, "node 'stretched' (stub): unknown parameter 'window'"),
        ("window: 20", "windw: 20", 6, "unknown parameter 'windw'. Did you mean 'window'?"),
        ("window: 20", "window: 1", 6, "window: Input should be greater than or equal to 2"),
        ("window: 20", "window: '20'", 6, "window: Input should be a valid integer"),
        ("max: -2.0", "max: .nan", 7, "max: Input should be a finite number"),
        ("{max: -2.0}", "{}", 7, "give min, max or both"),
        ("{max: -2.0}", "{max: 1, min: 2}", 7, "min 2.0 must not be above max 1.0"),
        ("inputs: [stretched]", "inputs: [streched]", 7, "there is no node 'streched'. Did you mean 'stretched'?"),
        ("inputs: [close, dip]", "inputs: [dip, close]", 8, "input 1 (value): takes a panel, and 'dip' gives a gate"),
        ("inputs: [close, dip]", "inputs: [close]", 8, "when_open takes value, gate as inputs, and 1 are given"),
        ("inputs: [buy]", "inputs: [dip]", 9, "input 1 (signal): takes a panel, and 'dip' gives a gate"),
        ("semantic_role: intent", "semantic_role: signal", 9, "position_target cannot be signal, only intent"),
        ("semantic_role: intent", "semantic_role: intents", 9, "'intents' is not a valid SemanticRole"),
        ("semantic_role: feature", "semantic_role: signal", 0, ""),
        ("inputs: [cap]", "inputs: [slots]", 10, "nothing uses node 'cap'"),
        ("inputs: [close], params: {window: 20}", "inputs: [stretched], params: {window: 20}", 6, "in a circle"),
        ("node_id: dip,", "node_id: close,", 7, "node 'close' stands twice"),
        ("node_id: dip,", "node_id: a/b,", 7, "match pattern"),
        ("family: price", "familiy: price", 5, "Did you mean 'family'?"),
        ("family: price}", "family: price, inputs: [dip]}", 5, "close takes none as inputs, and 1 are given"),
        ("interval: 1d", "interval: daily", 3, "match pattern"),
        ("interval: 1d", "interval: 1d\nsymbols: [A, A]", 4, "none twice"),
        ("params: {lot: 1.0}", "params: {fee: 1.0}", 11, "unknown parameter 'fee'"),
    ],
)
def test_what_is_wrong_is_named_where_it_stands(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    text = DECLARED.replace(old, new, 1)
    assert text != DECLARED
    if not message:
        loaded(tmp_path, text)
        return
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, text)
    assert message in str(refused.value)
    assert refused.value.line == line


def test_what_flows_back_is_refused(tmp_path: Path) -> None:
    text = DECLARED.replace("kind: z_score, semantic_role: feature", "kind: z_score, semantic_role: signal")
    text = text.replace("kind: between, semantic_role: signal", "kind: between, semantic_role: feature")
    with pytest.raises(GraphError, match="a feature cannot depend on a signal"):
        loaded(tmp_path, text)


def test_a_circle_is_shown(tmp_path: Path) -> None:
    text = DECLARED.replace("inputs: [close], params: {window", "inputs: [buy], params: {window")
    text = text.replace("kind: z_score, semantic_role: feature", "kind: z_score, semantic_role: signal")
    with pytest.raises(GraphError, match="stretched <- buy <- dip <- stretched"):
        loaded(tmp_path, text)


@pytest.mark.parametrize("count", [0, 2])
def test_a_strategy_has_exactly_one_execution(tmp_path: Path, count: int) -> None:
    lines = DECLARED.splitlines()
    ends = [lines[-1].replace("node_id: orders", f"node_id: orders_{number}") for number in range(count)]
    with pytest.raises(GraphError, match=f"exactly one execution node, and this one has {count}"):
        loaded(tmp_path, "\n".join([*lines[:-1], *ends]))


def test_weights_go_with_inputs() -> None:
    declared = yaml.safe_load(DECLARED)
    declared["nodes"][1] |= {"kind": "weighted_sum", "inputs": ["close", "close"], "params": {"weights": [1.0]}}
    with pytest.raises(GraphError, match="1 weights for 2 inputs") as refused:
        StrategyGraph(**declared)
    assert refused.value.location == ("nodes", 1, "params")


def test_graphs_do_not_change(tmp_path: Path) -> None:
    graph = loaded(tmp_path, DECLARED)
    with pytest.raises(ValidationError, match="frozen"):
        graph.nodes[0].kind = "open"  # type: ignore[misc]


def test_the_manifest_lists_nodes_with_kind_and_full_parameters(tmp_path: Path) -> None:
    listed = manifest_nodes(loaded(tmp_path, DECLARED))
    found: dict[str, Any] = listed[4].model_dump(mode="json")
    assert found == {
        "node_id": "slots",
        "semantic_role": "intent",
        "family": "size",
        "ablation_group": None,
        "inputs": ["buy"],
        "params": {"kind": "position_target", "side": "long_only", "gross": 1.0, "sizing": "slots"},
    }


def test_the_engine_gets_its_part(tmp_path: Path) -> None:
    found = execution_params(loaded(tmp_path, DECLARED))
    assert (found.lot, found.min_notional, found.max_notional) == (1.0, None, None)
