"""Random rules mean what a plain reference and, where all values are there, Google's CEL say they mean."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from distill_platform.core.errors import ExpressionError
from distill_platform.core.expression import Expression, Kind, Verdict, compile_expression

KINDS = {
    "a": Kind.NUMBER,
    "metadata.n": Kind.NUMBER,
    "s": Kind.STRING,
    "metadata.name": Kind.STRING,
    "b": Kind.BOOLEAN,
    "validation.ok": Kind.BOOLEAN,
}
EXACT_IN_A_FLOAT = 2**53
BUSY = [HealthCheck.too_slow]  # a busy machine is no finding
NOTHING: dict[str, object] = {}
TESTS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

# Few distinct values, so that equality and membership are often true.
few_numbers = st.sampled_from([0, 1, -1, 2, 0.5, 1.0, -0.0, 1e300, -2.5e-7])
any_integers = st.integers(-EXACT_IN_A_FLOAT, EXACT_IN_A_FLOAT)
any_floats = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
# No NUL: cel-expr-python and numpy both cut a value there. The behaviour tests have one.
texts = st.sampled_from(["", "a", "b", "ab", "é", "😀", "'", '"', "\\", "a\nb\x01", "&& true"])
usable = {
    Kind.NUMBER: st.one_of(few_numbers, few_numbers, any_integers, any_floats),
    Kind.STRING: texts,
    Kind.BOOLEAN: st.booleans(),
}

# A tree is (tag, ...): ("name", n) ("literal", v) ("compare", op, l, r) ("in", x, [v]) ("!", x) ("&&", [x]) ("||", [x])
Tree = tuple[Any, ...]


def leaves(kind: Kind) -> st.SearchStrategy[Tree]:
    names = st.sampled_from([name for name, declared in KINDS.items() if declared is kind])
    return st.one_of(names.map(lambda name: ("name", name)), usable[kind].map(lambda value: ("literal", value)))


def comparisons(kind: Kind) -> st.SearchStrategy[Tree]:
    operators = st.sampled_from(["==", "!="] if kind is Kind.BOOLEAN else sorted(TESTS))
    return st.tuples(st.just("compare"), operators, leaves(kind), leaves(kind))


def memberships(kind: Kind) -> st.SearchStrategy[Tree]:
    return st.tuples(st.just("in"), leaves(kind), st.lists(usable[kind], min_size=1, max_size=3))


def compounds(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    parts = st.lists(inner, min_size=2, max_size=4)
    return st.one_of(
        st.tuples(st.just("!"), inner),
        st.tuples(st.just("&&"), parts),
        st.tuples(st.just("||"), parts),
        st.tuples(st.just("compare"), st.sampled_from(["==", "!="]), inner, inner),
    )


simple = st.one_of(*(make(kind) for kind in Kind for make in (comparisons, memberships)), leaves(Kind.BOOLEAN))
trees = st.recursive(simple, compounds, max_leaves=12)
gaps = st.sampled_from(["", " ", "\n\t "])
records = st.fixed_dictionaries({name: usable[kind] for name, kind in KINDS.items()})

TIGHTNESS = {"||": 1, "&&": 2, "compare": 3, "in": 3, "!": 4, "name": 5, "literal": 5}


def written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return repr(value)
    escaped = "".join(f"\\U{ord(c):08x}" if c in "'\\" or not c.isprintable() else c for c in value)
    return f"'{escaped}'"


def render(tree: Tree, gap: str, around: int = 0) -> str:
    """The text of a tree with only the parentheses that precedence demands."""
    tag = tree[0]
    if tag == "name":
        text = tree[1]
    elif tag == "literal":
        text = written(tree[1])
    elif tag == "compare":
        text = f"{render(tree[2], gap, 4)}{gap}{tree[1]}{gap}{render(tree[3], gap, 4)}"
    elif tag == "in":
        text = f"{render(tree[1], gap, 4)} in{gap}[{f'{gap},'.join(written(value) for value in tree[2])}]"
    elif tag == "!":
        text = f"!{gap}{render(tree[1], gap, 4)}"
    else:
        text = f"{gap}{tag}{gap}".join(render(part, gap, TIGHTNESS[tag] + 1) for part in tree[1])
    return f"({gap}{text})" if TIGHTNESS[tag] < around else text


def names_in(tree: object) -> set[str]:
    if isinstance(tree, tuple) and tree[0] == "name":
        return {tree[1]}
    return set().union(*map(names_in, tree)) if isinstance(tree, (tuple, list)) else set()


def meaning(tree: Tree, record: Mapping[str, Any]) -> Any:
    """What a tree says about a record in which every value is usable."""
    match tree:
        case ("name", name):
            return record[name]
        case ("literal", value):
            return value
        case ("compare", symbol, left, right):
            return TESTS[symbol](meaning(left, record), meaning(right, record))
        case ("in", operand, choices):
            return any(meaning(operand, record) == choice for choice in choices)
        case ("!", operand):
            return not meaning(operand, record)
        case ("&&", parts):
            return min(meaning(part, record) for part in parts)
        case ("||", parts):
            return max(meaning(part, record) for part in parts)
    raise AssertionError(tree)


def outcome(text: str) -> Expression | ExpressionError:
    try:
        return compile_expression(text, KINDS)
    except ExpressionError as error:
        return error


def rule_text(tree: Tree, gap: str) -> str:
    text = render(tree, gap)
    assume(names_in(tree) and len(text) <= 2_000)
    return text


@settings(max_examples=200, deadline=None, suppress_health_check=BUSY)
@given(trees, gaps, records)
def test_a_rule_over_usable_values_means_what_the_reference_says(tree: Tree, gap: str, record: dict[str, Any]) -> None:
    rule = compile_expression(rule_text(tree, gap), KINDS)
    assert set(rule.names) == names_in(tree)
    assert rule.evaluate(record.get) is (Verdict.TRUE if meaning(tree, record) else Verdict.FALSE)


unusable: dict[Kind, st.SearchStrategy[object]] = {
    Kind.NUMBER: st.sampled_from([None, math.nan, math.inf, -math.inf, "1", True, np.float32("nan"), 10**30, [], {}]),
    Kind.STRING: st.sampled_from([None, 0, 1.5, True, b"a", math.nan, ["a"]]),
    Kind.BOOLEAN: st.sampled_from([None, 0, 1, 1.0, "true", math.nan, np.int8(1)]),
}


@settings(max_examples=150, deadline=None, suppress_health_check=BUSY)
@given(trees, records, st.data())
def test_one_unusable_value_makes_any_rule_that_names_it_unknown(
    tree: Tree, record: dict[str, Any], data: st.DataObject
) -> None:
    rule = compile_expression(rule_text(tree, " "), KINDS)
    before = rule.evaluate(record.get)
    spoiled = data.draw(st.sampled_from(sorted(KINDS)))
    after = rule.evaluate({**record, spoiled: data.draw(unusable[KINDS[spoiled]])}.get)
    assert after is (Verdict.UNKNOWN if spoiled in rule.names else before)


@settings(max_examples=75, deadline=None, suppress_health_check=BUSY)
@given(trees, records)
def test_numpy_values_give_the_verdict_of_the_python_values(tree: Tree, record: dict[str, Any]) -> None:
    rule = compile_expression(rule_text(tree, " "), KINDS)
    wrapped = {name: np.asarray(value)[()] for name, value in record.items()}
    assert rule.evaluate(wrapped.get) is rule.evaluate(record.get)


WORDS = "a metadata.n s b validation.ok unknown in true false null and not 1 -1 0.5 1e5 1e999 00 'x'"
SYMBOLS = "= == != < <= > >= <> && || & ! ! ( ( ) [ ] , - + . \" ' \\ é \0 \ud800"
fragments = st.sampled_from([*WORDS.split(" "), *SYMBOLS.split(" "), " "])
garbage = st.one_of(
    st.text(max_size=60), st.lists(fragments, max_size=40).map(" ".join), st.lists(fragments).map("".join)
)


@settings(max_examples=300, deadline=None, suppress_health_check=BUSY)
@given(garbage)
def test_any_text_either_compiles_or_is_refused_with_a_column(text: str) -> None:
    rule = outcome(text)
    if isinstance(rule, ExpressionError):
        assert 1 <= rule.column <= len(text) + 1
        assert rule.message
        assert str(rule)
    else:
        assert rule.names
        assert rule.evaluate(NOTHING.get) is Verdict.UNKNOWN


# --- Google's CEL as oracle ------------------------------------------------------------------------------------------


def cel_evaluate(text: str, record: Mapping[str, object]) -> object:
    """CEL's answer. Unchecked, because its checker knows no int-to-float equality; hence undotted names."""
    cel = pytest.importorskip("cel_expr_python.cel")
    plain = {name.replace(".", "_"): value for name, value in record.items()}
    for name in KINDS:
        text = text.replace(name, name.replace(".", "_"))
    environment = cel.NewEnv(variables=dict.fromkeys(plain, cel.Type.DYN))
    return environment.compile(text, disable_check=True).eval(data=plain).value()


@settings(max_examples=200, deadline=None, suppress_health_check=BUSY)
@given(trees, gaps, records)
def test_where_all_values_are_there_a_rule_means_what_cel_says(tree: Tree, gap: str, record: dict[str, Any]) -> None:
    text = rule_text(tree, gap)
    expected = cel_evaluate(text, record)
    assert isinstance(expected, bool), f"{text}: {expected}"
    assert compile_expression(text, KINDS).holds(record.get) is expected


@settings(max_examples=200, deadline=None, suppress_health_check=BUSY)
@given(trees, gaps, records, st.integers(0, 60), fragments)
def test_a_rule_with_one_edit_is_refused_or_still_means_what_cel_says(
    tree: Tree, gap: str, record: dict[str, Any], place: int, fragment: str
) -> None:
    text = rule_text(tree, gap)
    for edited in (text[:place] + fragment + text[place:], text[:place], text[:place] + text[place + 1 :]):
        rule = outcome(edited)
        if isinstance(rule, ExpressionError):
            assert 1 <= rule.column <= len(edited) + 1
        else:
            assert cel_evaluate(edited, record) is rule.holds(record.get)


@pytest.mark.parametrize(
    ("text", "record", "cel_says", "we_say"),
    [
        ("a > 0 || true", {}, True, Verdict.UNKNOWN),
        ("a > 0 && false", {}, False, Verdict.UNKNOWN),
        ("a > 0 || b", {"b": True}, True, Verdict.UNKNOWN),
        ("a != 0", {"a": math.nan}, True, Verdict.UNKNOWN),
        ("!(a < 0)", {"a": math.nan}, True, Verdict.UNKNOWN),
        ("a > 0", {"a": math.inf}, True, Verdict.UNKNOWN),
        ("a != 'x'", {"a": "y"}, True, ExpressionError),
        ("a != 1", {"a": "y"}, True, Verdict.UNKNOWN),
        ("a != 1", {"a": None}, True, Verdict.UNKNOWN),
        ("a == 9007199254740992.0", {"a": 2**53 + 1}, True, Verdict.FALSE),
        ("b == b == b", {"b": True}, True, ExpressionError),
        ("1 < 2", {}, True, ExpressionError),
        ("a in [] || true", {"a": 1}, True, ExpressionError),
    ],
)
def test_where_we_differ_from_cel_we_are_the_stricter_one(
    text: str, record: dict[str, object], cel_says: bool, we_say: Verdict | type[ExpressionError]
) -> None:
    assert cel_evaluate(text, record) is cel_says
    if isinstance(we_say, Verdict):
        assert compile_expression(text, KINDS).evaluate(record.get) is we_say
    else:
        with pytest.raises(we_say):
            compile_expression(text, KINDS)
