"""`docs/policy.md` says everything there is: each key of the file, each rule's parameters, each metric, each word."""

from pathlib import Path

import pytest

from distill_platform.policy import words
from distill_platform.policy.catalogue.table import markdown_table
from distill_platform.policy.profiles import Profile
from distill_platform.policy.rules.result import INVALID_METRIC, MISSING_METRIC, NO_RULES_CONFIGURED, RULE_ERROR
from distill_platform.policy.stage_gates import StageGates
from distill_platform.policy.stress_grid import Costs, Scenario
from distill_platform.policy.world import Governance, World
from distill_platform_tests.policy.test_rules import DEFAULTS, TABLE

DOCS = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")


def test_the_table_of_metrics_is_the_catalogue() -> None:
    assert markdown_table() in DOCS


@pytest.mark.parametrize("model", [World, StageGates, Costs, Scenario, Governance, Profile])
def test_every_key_is_described(model: type[World]) -> None:
    for key in model.model_fields:
        assert f"`{key}`" in DOCS or f"| {key} |" in DOCS, key


def test_every_parameter_of_every_rule_is_in_the_table() -> None:
    for rule, parameter, _, metric, _, code in TABLE:
        severity, owner = DEFAULTS[rule]
        side = "at least" if code.endswith("below_min") else "at most"
        name, shown = parameter, metric
        if rule == "stress":
            name, shown = f"scenarios.<scenario>.{parameter}", metric.replace("fees_x2", "<scenario>")
        assert f"| {rule} | `{name}` | `{shown}` {side} | {severity}, {owner} |" in DOCS


def test_every_reason_code_and_gate_status_is_described() -> None:
    for code in (MISSING_METRIC, INVALID_METRIC, NO_RULES_CONFIGURED, RULE_ERROR, *words.GateStatus):
        assert f"`{code}`" in DOCS
    for word in (*words.RecommendedStage, *words.Approval, *words.Severity, *words.Owner):
        assert word in DOCS
