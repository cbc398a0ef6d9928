"""What holds for every kind there is: declared well, documented, and never a position from something unknown."""

import inspect
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import KindError
from distill_platform.strategies.ablation import AblationSpec, AblationTarget, ablate
from distill_platform.strategies.bars import FIELDS, Bars
from distill_platform.strategies.bundles.manifest import SemanticRole
from distill_platform.strategies.computing import evaluate_graph
from distill_platform.strategies.kinds import KINDS, NodeKind, Port, Schema, node_kind
from distill_platform.strategies.kinds.kind import NoParams, Panel
from distill_platform.strategies.kinds.listing import kinds_table
from distill_platform_tests.strategies.markets import around, market

ROOT = Path(__file__).parents[2]
BARS = market()
KIND = pytest.mark.parametrize("kind", [KINDS[name] for name in sorted(KINDS)], ids=lambda kind: kind.name)


@KIND
def test_every_kind_says_what_it_returns_and_shows_parameters_that_it_takes(kind: NodeKind) -> None:
    assert kind.summary.startswith("Return ")
    assert kind.summary.endswith(".")
    assert set(kind.example) <= set(kind.params.model_fields)
    kind.params.model_validate(kind.example)
    assert (inspect.getdoc(kind.params) or "").endswith(".")


@KIND
def test_roles_fit_what_a_kind_gives(kind: NodeKind) -> None:
    later = {SemanticRole.INTENT, SemanticRole.RISK_SHELL, SemanticRole.EXECUTION}
    assert kind.roles <= later if kind.output is Schema.TARGET else not kind.roles & later
    assert (kind.roles == {SemanticRole.RAW_INPUT}) == (kind.ports == ())


@KIND
def test_a_neutral_value_fits_what_a_kind_gives(kind: NodeKind) -> None:
    if kind.output is Schema.GATE:
        assert kind.neutral == 1.0
    if kind.output is Schema.TARGET:
        assert kind.neutral is None


@KIND
def test_every_kind_opens_positions_on_an_ordinary_market(kind: NodeKind) -> None:
    """Or the tests of what it does with unknown values would prove nothing."""
    found = evaluate_graph(around(kind), BARS)
    assert np.count_nonzero(found.weights) > 100


@KIND
def test_what_is_unknown_stays_unknown_and_nothing_is_infinite(kind: NodeKind) -> None:
    graph = around(kind)
    found = evaluate_graph(graph, BARS)
    for node in graph.nodes:
        values = found.values[node.node_id]
        assert not np.isinf(values).any()
        for source in node.inputs:
            assert np.isnan(values[np.isnan(found.values[source])]).all()
    assert np.isfinite(found.weights).all()


@KIND
@given(st.integers(0, 639), st.integers(0, 4), st.sampled_from([("close",), FIELDS]))
def test_a_missing_bar_is_never_a_position(kind: NodeKind, row: int, column: int, fields: tuple[str, ...]) -> None:
    holed = {name: getattr(BARS, name).copy() for name in FIELDS}
    for name in fields:
        holed[name][row, column] = np.nan
    bars = Bars(BARS.ts, BARS.symbols, **holed)
    found = evaluate_graph(around(kind), bars)
    assert found.weights[row, column] == 0.0
    assert np.isfinite(found.weights).all()


@KIND
def test_without_any_of_its_inputs_a_kind_gives_nothing(kind: NodeKind) -> None:
    graph = around(kind)
    for source in graph.node("it").inputs:
        blind = ablate(graph, AblationSpec(target=AblationTarget(node=source), stub="missing"))
        found = evaluate_graph(blind, BARS)
        assert np.isnan(found.values["it"]).all()
        assert not found.weights.any()


@KIND
def test_symbols_outside_the_universe_have_no_value_and_do_not_matter(kind: NodeKind) -> None:
    some = around(kind).model_copy(update={"symbols": ("A", "C", "D")})
    wide, narrow = evaluate_graph(some, BARS), evaluate_graph(some, _columns(BARS, [0, 2, 3]))
    assert not wide.weights[:, [1, 4]].any()
    np.testing.assert_array_equal(wide.weights[:, [0, 2, 3]], narrow.weights)
    np.testing.assert_array_equal(wide.unknown, narrow.unknown)


def _columns(bars: Bars, columns: list[int]) -> Bars:
    fields = {name: getattr(bars, name)[:, columns] for name in FIELDS}
    return Bars(bars.ts, tuple(bars.symbols[column] for column in columns), **fields)


def halves(params: NoParams, gate: Panel) -> Panel:
    """Return a gate that is half open."""
    return gate * 0.5


def transposed(params: NoParams, gate: Panel) -> Panel:
    """Return another shape."""
    return gate.T


def worded(params: NoParams, gate: Panel) -> str:
    """Return a word."""
    return "open"


@pytest.mark.parametrize(
    ("compute", "message"),
    [(halves, "neither 0 nor 1"), (transposed, r"float64 of shape \(5, 640\), not"), (worded, "gave str, not float64")],
)
def test_a_kind_that_breaks_its_word_is_an_error(
    compute: object, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = (Port("gate", Schema.GATE),)
    node_kind("broken", ports=ports, output=Schema.GATE)(compute)  # type: ignore[arg-type]
    broken = KINDS.pop("broken")
    monkeypatch.setitem(KINDS, "broken", broken)
    with pytest.raises(KindError, match=f"'it' \\(broken\\).*{message}"):
        evaluate_graph(around(broken), BARS)


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="'sma' already"):
        node_kind("sma", ports=())(halves)


def test_the_page_about_strategies_lists_every_kind_as_declared() -> None:
    page = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
    assert kinds_table() in page, "put the output of kinds_table() at the end of docs/strategies.md"


def test_every_kind_stands_in_the_table_once() -> None:
    names = [line.split("`")[1] for line in kinds_table().splitlines() if line.startswith("| `")]
    assert sorted(names) == sorted(KINDS)
    families = [line for line in kinds_table().splitlines() if line.startswith("### ")]
    assert len(families) == len(set(families))
