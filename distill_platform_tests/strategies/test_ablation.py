"""Ablation rewrites a copy of the graph; everything downstream of a stub is as it was."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from distill_platform.core.errors import GraphError
from distill_platform.strategies.ablation import AblationSpec, AblationTarget, ablate, variants
from distill_platform.strategies.bundles.manifest import SemanticRole
from distill_platform.strategies.computing import evaluate_graph, target_weights
from distill_platform.strategies.graph import StrategyGraph, load_graph, manifest_nodes
from distill_platform.strategies.kinds.stub import Stub
from distill_platform.strategies.wiring import replaced_kind
from distill_platform_tests.strategies.markets import graph, market, node

FOLDER = Path(__file__).parents[2] / "config" / "strategies"
SAMPLES = [load_graph(path) for path in sorted(FOLDER.glob("*.yaml"))]
SAMPLE = pytest.mark.parametrize("base", SAMPLES, ids=lambda each: each.strategy_id)
GUARDED = next(each for each in SAMPLES if each.strategy_id == "ma_crossover_guarded")
REVERSAL = next(each for each in SAMPLES if each.strategy_id == "z_score_reversal")
BARS = market()


def spec(stub: str, value: float | None = None, **target: str) -> AblationSpec:
    return AblationSpec(target=AblationTarget(**target), stub=stub, value=value)


@SAMPLE
def test_every_variant_evaluates_and_keeps_ids_edges_roles_and_schemas(base: StrategyGraph) -> None:
    before = base.model_dump()
    for variant in variants(base):
        kept = [
            (each.node_id, each.inputs, each.semantic_role, replaced_kind(each).output) for each in variant.graph.nodes
        ]
        assert kept == [
            (each.node_id, each.inputs, each.semantic_role, replaced_kind(each).output) for each in base.nodes
        ]
        assert np.isfinite(target_weights(variant.graph, BARS)).all()
        stubs = {each.node_id for each in variant.graph.nodes if each.kind == "stub"}
        for old, new in zip(base.nodes, variant.graph.nodes, strict=True):
            assert old == new or new.node_id in stubs
    assert base.model_dump() == before


@SAMPLE
def test_variants_are_told_apart_and_none_is_the_strategy_itself(base: StrategyGraph) -> None:
    found = variants(base)
    assert len({each.graph.graph_hash for each in found} | {base.graph_hash}) == len(found) + 1
    assert len({each.spec.spec_hash for each in found}) == len(found)
    assert {each.base_graph_hash for each in found} == {base.graph_hash}
    for each in found:
        assert each.spec.stub in {each.graph.node(name).params["stub"] for name in each.sealed()["nodes"]}


@SAMPLE
def test_every_group_and_every_feature_signal_and_risk_shell_is_tried(base: StrategyGraph) -> None:
    tried = {tuple(each.sealed()["nodes"]) for each in variants(base)}
    groups = {each.ablation_group for each in base.nodes} - {None}
    for name in groups:
        assert tuple(sorted(each.node_id for each in base.nodes if each.ablation_group == name)) in tried
    for each in base.nodes:
        if each.semantic_role in {SemanticRole.FEATURE, SemanticRole.SIGNAL, SemanticRole.RISK_SHELL}:
            assert (each.node_id,) in tried


@SAMPLE
def test_a_strategy_whose_parts_are_missing_does_not_trade(base: StrategyGraph) -> None:
    for each in base.nodes:
        if each.semantic_role is not SemanticRole.EXECUTION:
            blind = ablate(base, spec("missing", node=each.node_id))
            assert not target_weights(blind, BARS).any(), each.node_id


def test_ablating_everything_leaves_no_trade() -> None:
    blind = GUARDED
    for each in GUARDED.nodes:
        if each.semantic_role is not SemanticRole.EXECUTION:
            blind = ablate(blind, spec("missing", node=each.node_id))
    found = evaluate_graph(blind, BARS)
    assert not found.weights.any()
    np.testing.assert_array_equal(found.unknown, (~np.isnan(BARS.close)).sum(axis=1))


def test_a_constant_says_what_is_neutral_for_its_kind() -> None:
    opened = ablate(GUARDED, spec("constant", node="not_rough"))
    assert opened.node("not_rough").params == {
        "replaces": "regime_filter",
        "stub": "constant",
        "value": 1.0,
        "port": None,
    }
    before, after = evaluate_graph(GUARDED, BARS), evaluate_graph(opened, BARS)
    held = ~np.isnan(BARS.close)
    assert (after.values["not_rough"][held] == 1.0).all()
    assert np.isnan(after.values["not_rough"][~held]).all()
    np.testing.assert_array_equal(after.values["slots"], before.values["slots"])
    assert np.abs(after.weights).sum() > np.abs(before.weights).sum()


def test_a_given_value_takes_the_place_of_the_neutral_one() -> None:
    shut = ablate(GUARDED, spec("constant", 0.0, node="not_rough"))
    assert not target_weights(shut, BARS).any()
    with pytest.raises(GraphError, match=r"a gate is 0 or 1, not 0.5"):
        ablate(GUARDED, spec("constant", 0.5, node="not_rough"))


@pytest.mark.parametrize("stub", ["constant", "pass_through"])
def test_a_group_is_switched_off_whichever_way_each_of_its_nodes_can_be(stub: str) -> None:
    without = ablate(GUARDED, spec(stub, group="regime"))
    assert [without.node(each).params["stub"] for each in ("not_rough", "in_regime")] == ["constant", "pass_through"]
    found = evaluate_graph(without, BARS)
    np.testing.assert_array_equal(found.values["in_regime"], found.values["slots"])


def test_what_says_nothing_leads_to_no_position() -> None:
    momentum = next(each for each in SAMPLES if each.strategy_id == "xs_momentum_12_1")
    assert not target_weights(ablate(momentum, spec("constant", group="momentum")), BARS).any()


def test_passing_through_switches_a_risk_shell_off() -> None:
    unguarded = ablate(GUARDED, spec("pass_through", node="kill_switch"))
    found = evaluate_graph(unguarded, BARS)
    np.testing.assert_array_equal(found.values["kill_switch"], found.values["in_regime"])


def test_a_stub_that_a_node_cannot_have_is_refused() -> None:
    with pytest.raises(GraphError, match=r"'kill_switch' .* cannot be constant: it has no value that says nothing"):
        ablate(GUARDED, spec("constant", node="kill_switch"))
    with pytest.raises(GraphError, match=r"'not_rough' .* cannot be pass_through: it has no input of the same schema"):
        ablate(GUARDED, spec("pass_through", node="not_rough"))
    with pytest.raises(GraphError, match="'orders' is the execution"):
        ablate(GUARDED, spec("missing", node="orders"))


def test_a_part_that_is_not_there_is_named_with_the_nearest_that_is() -> None:
    with pytest.raises(GraphError, match=r"no group 'regimes'. Did you mean 'regime'?"):
        ablate(GUARDED, spec("missing", group="regimes"))
    with pytest.raises(GraphError, match=r"no node 'kil_switch'. Did you mean 'kill_switch'?"):
        ablate(GUARDED, spec("missing", subgraph="kil_switch"))
    with pytest.raises(ValidationError, match="exactly one of group, node and subgraph"):
        AblationTarget(group="a", node="b")
    with pytest.raises(ValidationError, match="exactly one"):
        AblationTarget()


def test_a_sub_graph_is_a_node_and_what_serves_nothing_else() -> None:
    calm = ablate(REVERSAL, spec("missing", subgraph="calm"))
    assert {each.node_id for each in calm.nodes if each.kind == "stub"} == {"calm", "roughness", "market", "returns"}
    shared = graph(
        node("close", "close"),
        node("mean", "sma", ("close",), window=5),
        node("spread", "sma", ("mean",), window=5),
        node("above", "crossover", ("mean", "spread")),
        node("book", "position_target", ("above",), sizing="equal"),
        node("orders", "execution", ("book",)),
    )
    stubs = [
        each.node_id for each in ablate(shared, spec("pass_through", subgraph="spread")).nodes if each.kind == "stub"
    ]
    assert stubs == ["spread"]
    whole = ablate(shared, spec("missing", subgraph="book"))
    assert [each.node_id for each in whole.nodes if each.kind == "stub"] == ["mean", "spread", "above", "book"]


def test_a_stub_can_be_ablated_again_and_still_knows_what_it_replaces() -> None:
    twice = ablate(ablate(GUARDED, spec("constant", node="cross")), spec("missing", group="cross"))
    again = ablate(twice, spec("missing", node="cross"))
    assert again.node("cross").params["replaces"] == "crossover"


def test_what_is_sealed_says_what_was_done_to_which_graph() -> None:
    found = next(each for each in variants(GUARDED) if each.spec == spec("constant", node="not_rough"))
    assert found.sealed() == {
        "target": {"node": "not_rough"},
        "stub": "constant",
        "nodes": ["not_rough"],
        "base_graph_hash": GUARDED.graph_hash,
    }
    listed = next(each for each in manifest_nodes(found.graph) if each.node_id == "not_rough")
    assert (listed.params["kind"], listed.params["replaces"], listed.inputs) == ("stub", "regime_filter", ["roughness"])


def test_an_ablated_graph_is_a_graph_like_any_other() -> None:
    for variant in variants(GUARDED):
        assert StrategyGraph(**variant.graph.model_dump(mode="json")) == variant.graph


def test_the_hash_of_a_specification_is_that_of_its_meaning() -> None:
    assert (
        spec("constant", 1.0, node="a").spec_hash
        == AblationSpec(value=1.0, target=AblationTarget(node="a"), stub=Stub.CONSTANT).spec_hash
    )
    others = [
        spec("missing", node="a"),
        spec("constant", node="a"),
        spec("constant", 2.0, node="a"),
        spec("missing", group="a"),
    ]
    assert len({each.spec_hash for each in others}) == 4


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"replaces": "smaa", "stub": "missing"}, "replaces the unknown kind 'smaa'. Did you mean 'sma'?"),
        ({"replaces": "sma", "stub": "constant"}, "a constant stub has a value"),
        ({"replaces": "sma", "stub": "missing", "value": 1.0}, "a constant stub has a value"),
        ({"replaces": "sma", "stub": "pass_through"}, "a pass-through stub has a port"),
        ({"replaces": "sma", "stub": "pass_through", "port": 1}, "port 1 does not carry what the node gives"),
        ({"replaces": "sma", "stub": "zero"}, "'zero' is not a valid Stub"),
    ],
)
def test_a_stub_written_by_hand_is_checked_like_any_node(params: dict[str, object], message: str) -> None:
    by_hand = node("it", "sma", ("close",), window=5).model_copy(update={"kind": "stub", "params": params})
    rest = [node("book", "position_target", ("it",), sizing="equal"), node("orders", "execution", ("book",))]
    with pytest.raises(GraphError, match=message):
        graph(node("close", "close"), by_hand, *rest)
