"""Leniency: a line that asks less than usual says so, wherever somebody decides by it."""

from typing import Any

import pytest

from distill_platform.models.leniency import promotion_asks_less, rollout_asks_less
from distill_platform.models.line import ModelLine
from distill_platform_tests.small_market import a_line

USUAL = {"guard": {}, "promotion": {}, "rollout": {}}


def line(**changes: Any) -> ModelLine:
    return ModelLine.model_validate(a_line(**(USUAL | changes)))


def asks_less(told: ModelLine) -> tuple[str, ...]:
    return (*promotion_asks_less(told), *rollout_asks_less(told.rollout))


def test_a_line_with_the_usual_bounds_asks_for_no_less() -> None:
    assert asks_less(line()) == ()


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"guard": {"max_rank_correlation": 0.9}}, "guard.max_rank_correlation is 0.9, not 0.3"),
        ({"promotion": {"min_probability": 0.5}}, "promotion.min_probability is 0.5, not 0.9"),
        ({"promotion": {"max_p_value": 0.9}}, "promotion.max_p_value is 0.9, not 0.05"),
        ({"promotion": {"max_extra_drawdown": 1.0}}, "promotion.max_extra_drawdown is 1, not 0"),
        ({"promotion": {"worst_verdict": "warn"}}, "promotion.worst_verdict is warn, not pass"),
        (
            {"promotion": {"open_gates": ["stage0_integrity", "stage1_dev", "stage2_wf"]}},
            "promotion.open_gates leaves out stage3_stress",
        ),
        ({"rollout": {"canary": 0.2}}, "rollout.canary is 0.2, not 0.1"),
        ({"rollout": {"max_loss": 0.5}}, "rollout.max_loss is 0.5, not 0.05"),
        ({"rollout": {"drift": {"min_blocks": 8}}}, "rollout.drift.min_blocks is 8, not 20"),
    ],
)
def test_each_bound_that_was_lowered_is_named_with_both_numbers(changes: dict[str, Any], phrase: str) -> None:
    assert asks_less(line(**changes)) == (phrase,)


@pytest.mark.parametrize(
    "changes",
    [
        {"guard": {"max_rank_correlation": 0.1, "cuts": 50}},
        {"promotion": {"min_probability": 0.99, "max_p_value": 0.01, "min_days": 60}},
        {"rollout": {"keys": 2, "min_days": 20, "max_failures": 1}},
    ],
)
def test_a_line_that_asks_for_more_is_not_lenient(changes: dict[str, Any]) -> None:
    assert asks_less(line(**changes)) == ()
