"""A search chooses among what it is given, and never what it is judged by."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from distill_platform.core.config import load_yaml
from distill_platform.core.errors import ConfigError
from distill_platform.models.search.settings import SearchSettings
from distill_platform.models.search.space import SearchSpace, sealed_reason
from distill_platform_tests.models.search.valley import SPACE, Valley


def space(**parameters: dict[str, object]) -> SearchSpace:
    return SearchSpace.model_validate({"parameters": parameters})


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fee_bps", "cost"),
        ("slippage", "cost"),
        ("funding_rate", "cost"),
        ("taker_fee", "cost"),
        ("gate_threshold", "threshold"),
        ("validation_days", "window"),
        ("window_end", "window"),
        ("purge_bars", "window"),
        ("seed", "seed"),
        ("random_state", "seed"),
        ("feebps", "cost"),
        ("slippagebps", "cost"),
        ("tradingcosts", "cost"),
        ("takerfee", "cost"),
        ("brokerage", "cost"),
        ("borrow_rate", "cost"),
        ("modelseed", "seed"),
    ],
)
def test_what_a_trial_is_judged_by_cannot_be_searched(name: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=f"{reason}.*cannot be searched"):
        space(**{name: {"type": "float", "low": 0.0, "high": 1.0}})


@pytest.mark.parametrize("name", ["feedforward", "feed_dropout", "seedling_depth", "coffee_blend", "min_rows"])
def test_a_name_that_only_sounds_like_it_can_be_searched(name: str) -> None:
    assert sealed_reason(name) is None


@pytest.mark.parametrize(
    "bounds",
    [
        {"type": "float", "low": -1e308, "high": 1e308},
        {"type": "float", "low": 0.0, "high": 1e9, "step": 1e-300},
        {"type": "int", "low": 0, "high": 10**40},
    ],
)
def test_a_range_that_no_number_can_span_is_refused_where_it_is_declared(bounds: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"range lies between|more than"):
        space(depth=bounds)


@pytest.mark.parametrize("name", ["Fee", "FEE_BPS", "feeBps", "fee-bps", "ｆｅｅ", "fее", "", "1st", "a" * 65])
def test_no_odd_spelling_gets_a_name_through(name: str) -> None:
    with pytest.raises(ValidationError):
        space(**{name: {"type": "float", "low": 0.0, "high": 1.0}})


@pytest.mark.parametrize("name", ["learning_rate", "num_leaves", "min_gain", "coffee", "alpha", "entry_level"])
def test_ordinary_names_may_be_searched(name: str) -> None:
    assert sealed_reason(name) is None


def test_only_what_the_evaluation_declares_may_be_named() -> None:
    SPACE.refuse_undeclared(Valley().searchable)
    with pytest.raises(ConfigError, match=r"'rate'.*Did you mean 'rates'"):
        SPACE.refuse_undeclared({"depth", "kind", "rates"})


def test_an_evaluation_cannot_declare_a_cost_searchable() -> None:
    smuggled = SPACE.model_copy(update={"parameters": {"fee": SPACE.parameters["rate"]}})
    with pytest.raises(ConfigError, match="'fee'"):
        smuggled.refuse_undeclared({"fee"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "int", "low": 3, "high": 1},
        {"type": "int", "low": 1, "high": 10, "step": 2},
        {"type": "int", "low": 0, "high": 8, "log": True},
        {"type": "int", "low": 1, "high": 9, "step": 2, "log": True},
        {"type": "int", "low": 1.5, "high": 9},
        {"type": "float", "low": 0.0, "high": float("inf")},
        {"type": "float", "low": 0.0, "high": float("nan")},
        {"type": "float", "low": 0.0, "high": 1.0, "step": 0.3},
        {"type": "float", "low": 0.0, "high": 1.0, "log": True},
        {"type": "choice", "values": []},
        {"type": "choice", "values": [1, True]},
        {"type": "choice", "values": [float("nan")]},
        {"type": "word", "values": ["a"]},
    ],
)
def test_a_range_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        space(x=wrong)


def test_a_space_without_parameters_is_refused() -> None:
    with pytest.raises(ValidationError):
        space()


def test_the_file_says_where_a_cost_was_put_up_for_search(tmp_path: Path) -> None:
    file = tmp_path / "search.yaml"
    file.write_text("seed: 1\nspace:\n  parameters:\n    fee_bps: {type: float, low: 0.0, high: 5.0}\n")
    with pytest.raises(ConfigError, match=r"search.yaml:3:.*'fee_bps' is a cost, and costs come sealed from the world"):
        load_yaml(file, SearchSettings)


def test_an_unknown_key_of_a_range_gets_the_nearest_known_one(tmp_path: Path) -> None:
    file = tmp_path / "search.yaml"
    file.write_text("space:\n  parameters:\n    x: {type: float, low: 0.0, high: 5.0, logg: true}\n")
    with pytest.raises(ConfigError, match=r"search.yaml:3:.*Did you mean 'log'"):
        load_yaml(file, SearchSettings)


def test_the_order_of_declaration_is_not_part_of_a_space() -> None:
    turned = SPACE.model_copy(update={"parameters": dict(reversed(SPACE.parameters.items()))})
    assert turned.sha256() == SPACE.sha256()
    assert list(turned.distributions()) == list(SPACE.distributions())


POINT = st.fixed_dictionaries(
    {"depth": st.integers(1, 12), "rate": st.floats(0.001, 1.0), "kind": st.sampled_from(["flat", "steep"])}
)


@given(st.lists(POINT, min_size=1, max_size=5), st.floats(0, 1))
def test_a_local_space_holds_its_points_and_lies_within_the_whole_one(
    points: list[dict[str, int | float | str]], margin: float
) -> None:
    local = SPACE.around(points, margin).distributions()
    whole = SPACE.distributions()
    for name, part in local.items():
        assert all(part._contains(part.to_internal_repr(point[name])) for point in points)
    assert whole["depth"].low <= local["depth"].low <= local["depth"].high <= whole["depth"].high
    assert whole["rate"].low <= local["rate"].low <= local["rate"].high <= whole["rate"].high
    assert set(local["kind"].choices) == {point["kind"] for point in points}


@given(st.integers(0, 6), st.integers(1, 5), st.integers(2, 9), st.floats(0, 1))
def test_a_local_range_keeps_to_the_steps_of_the_whole_one(start: int, step: int, steps: int, margin: float) -> None:
    whole = space(x={"type": "int", "low": start, "high": start + step * steps, "step": step})
    local = whole.around([{"x": start + step * (steps // 2)}], margin).parameters["x"]
    assert (local.low - start) % step == (local.high - start) % step == 0
    assert local.low <= start + step * (steps // 2) <= local.high
