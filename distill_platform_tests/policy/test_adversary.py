"""Policies against somebody who wants a wrong thing to pass: impossible numbers, broken runs, limits left empty."""

from pathlib import Path

import pytest
import yaml

from distill_platform.core.errors import ConfigError
from distill_platform.policy.gates import judge_gates
from distill_platform.policy.judging import judge_run
from distill_platform.policy.words import GateStatus, Stage, Status
from distill_platform.policy.world import load_world
from distill_platform_tests.policy.worlds import example, metrics, world

IMPOSSIBLE = {
    "returns.max_drawdown": -0.5,
    "risk.reject_rate": -1.0,
    "risk.turnover_annual": -3.0,
    "risk.adv_utilization_p95": -0.1,
    "robustness.pbo": -0.3,
    "robustness.deflated_sharpe_ratio": 1.5,
    "robustness.probabilistic_sharpe_ratio": 99.0,
    "stress.fees_x2.max_drawdown": -0.5,
}
RULES = {
    "performance": {"max_drawdown": 0.25},
    "risk_constraint": {"max_reject_rate": 0.1, "max_turnover_annual": 50.0, "max_adv_utilization_p95": 0.5},
    "robustness": {"max_pbo": 0.2, "min_dsr": 0.95, "min_psr": 0.9},
    "stress": {"scenarios": {"fees_x2": {"max_drawdown": 0.35}}, "severity": "blocking"},
}
POSSIBLE = {
    "returns.max_drawdown": 0.0, "risk.reject_rate": 0.0, "risk.turnover_annual": 0.0, "risk.adv_utilization_p95": 0.0,
    "robustness.pbo": 0.0, "robustness.deflated_sharpe_ratio": 1.0, "robustness.probabilistic_sharpe_ratio": 1.0,
    "stress.fees_x2.max_drawdown": 0.0,
}  # fmt: skip


def demanding() -> dict[str, object]:
    return {"validation_profiles": {"backtest": RULES, "paper": {}}}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_number_that_the_metric_cannot_be_is_on_no_side_of_a_bound(name: str) -> None:
    told = world(**demanding())
    assert judge_run(told, Stage.BACKTEST, POSSIBLE).summary.status is Status.PASS
    judged = judge_run(told, Stage.BACKTEST, POSSIBLE | {name: IMPOSSIBLE[name]})
    assert judged.summary.status is Status.FAIL
    (wrong,) = [result for result in judged.results if result.status is Status.FAIL]
    assert (wrong.reason_code, wrong.details["observed"]) == ("invalid_metric", IMPOSSIBLE[name])
    assert "cannot be" in wrong.reason


def test_a_number_that_the_metric_cannot_be_opens_no_gate() -> None:
    told = world(stage_gates={"stage0_integrity": {"blocking": ["returns.max_drawdown <= 0.25"]}})
    assert judge_gates(told, {"returns.max_drawdown": 0.1})[0].status is GateStatus.PASS
    assert judge_gates(told, {"returns.max_drawdown": -0.5})[0].status is GateStatus.INSUFFICIENT_OBSERVATION


@pytest.mark.parametrize("sign", [{"triage.integrity_broken": True}, {"invariants.pnl_sums_match": False}])
def test_a_broken_run_fails_whatever_the_rules_look_at(sign: dict[str, bool]) -> None:
    told = world(validation_profiles={"backtest": {"data_currency": {"max_lag_s": 1e12}}, "paper": {}})
    assert judge_run(told, Stage.BACKTEST, {"sample.data_lag_s": 60.0}).summary.status is Status.PASS
    judged = judge_run(told, Stage.BACKTEST, {"sample.data_lag_s": 60.0, **sign})
    assert judged.summary.status is Status.FAIL
    assert judged.results[-1].reason_code == "integrity_broken"
    assert next(iter(sign)) in judged.results[-1].reason


def test_folds_that_claim_too_much_break_no_run() -> None:
    judged = judge_run(world(), Stage.BACKTEST, {**metrics(), "invariants.folds_match_steps": False})
    assert "integrity_broken" not in {result.reason_code for result in judged.results}


@pytest.mark.parametrize(
    ("rule", "parameter"), [("performance", "min_sharpe"), ("robustness", "severity"), ("stress", "scenarios")]
)
def test_a_limit_without_a_value_is_no_limit_that_was_forgotten_in_silence(
    tmp_path: Path, rule: str, parameter: str
) -> None:
    told = example()
    told["validation_profiles"]["backtest"].setdefault(rule, {})[parameter] = None
    file = tmp_path / "world.yaml"
    file.write_text(yaml.safe_dump(told))
    with pytest.raises(ConfigError, match=f"{rule}.{parameter}: has no value"):
        load_world(file)
