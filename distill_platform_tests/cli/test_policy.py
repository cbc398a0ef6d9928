"""`distill policy` checks a policy, judges runs without recording anything, and compares two policies."""

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from distill_platform_tests.cli.terminal import distill, document, flat
from distill_platform_tests.policy.worlds import EXAMPLE, nested

SHARPE = "returns.sharpe_daily"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "world.yaml").write_text(EXAMPLE)
    write(tmp_path, [row("a", 1.2), row("b", 0.9), row("c", 0.1)])
    return tmp_path


def row(strategy: str, sharpe: Any, run: str = "r1", **more: Any) -> dict[str, Any]:
    return {"strategy_id": strategy, "run_id": run, "metrics": nested({SHARPE: sharpe, **more})}


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def change(folder: Path, old: str, new: str, file: str = "world.yaml") -> None:
    assert old in EXAMPLE
    (folder / file).write_text(EXAMPLE.replace(old, new, 1))


def test_check_accepts_a_right_policy(folder: Path) -> None:
    result = distill(folder, "policy", "check", "world.yaml")
    assert result.exit_code == 0, result.output
    assert "us_equity_daily version 1: every key, rule and expression is right" in result.stdout
    assert "stage paper: sample, performance, paper_shadow_consistency" in result.stdout
    found = document(distill(folder, "policy", "check", "world.yaml", "--json"))
    assert (found["policy_version"], len(found["ruleset_hash"]), sorted(found["stages"])) == (
        1,
        64,
        ["backtest", "paper"],
    )


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("min_trades_total", "min_trade_total", "world.yaml:8:40:", "Did you mean 'min_trades_total'?"),
        ("perf.net_sharpe >=", "perf.net_sharp >=", "world.yaml:23:28:", "Did you mean `perf.net_sharpe`?"),
        ("max_drawdown: 0.25", "max_drawdown: 25", "world.yaml:9:", "looks like a percentage"),
    ],
)
def test_a_mistake_in_a_policy_is_named_by_its_place(folder: Path, old: str, new: str, place: str, said: str) -> None:
    change(folder, old, new)
    for command in (["check", "world.yaml"], ["evaluate", "world.yaml", "metrics.jsonl", "--stage", "backtest"]):
        result = distill(folder, "policy", *command)
        assert result.exit_code == 2
        assert place in result.stderr
        assert said in flat(result.stderr)
        assert result.stdout == ""


def test_evaluate_answers_with_one_json_document(folder: Path) -> None:
    result = distill(folder, "policy", "evaluate", "world.yaml", "metrics.jsonl", "--stage", "backtest", "--json")
    answer = document(result)
    assert result.exit_code == 1  # c failed
    assert list(answer) == ["world_id", "policy_version", "ruleset_hash", "stage", "selected", "runs"]
    assert answer["selected"] == ["a", "b"]
    assert [(run["strategy_id"], run["summary"]["status"]) for run in answer["runs"]] == [
        ("a", "pass"),
        ("b", "pass"),
        ("c", "fail"),
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, "1.2", True])
def test_what_is_no_finite_number_fails_its_own_run_and_no_other(folder: Path, value: Any) -> None:
    write(folder, [row("a", 1.2), row("b", value), row("c", 0.9)])
    result = distill(folder, "policy", "evaluate", "world.yaml", "metrics.jsonl", "--stage", "backtest", "--json")
    answer = json.loads(result.stdout, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))
    assert result.exit_code == 1
    assert [run["summary"]["status"] for run in answer["runs"]] == ["pass", "fail", "pass"]
    (broken,) = [found for found in answer["runs"][1]["results"] if found["status"] != "pass"]
    assert (broken["rule"], broken["status"], broken["reason_code"]) == ("performance", "fail", "invalid_metric")
    assert (broken["details"]["threshold"], broken["details"]["margin"]) == (0.5, None)
    assert answer["selected"] == ["a", "c"]


def test_evaluate_ends_with_0_where_no_run_failed(folder: Path) -> None:
    write(folder, [row("a", 1.2), row("b", 0.55)])
    result = distill(folder, "policy", "evaluate", "world.yaml", "metrics.jsonl", "--stage", "backtest")
    assert result.exit_code == 0, result.output
    assert "2 runs, 0 failed; selected: a" in result.stdout
    assert "selection: returns.sharpe_daily of b is 0.55" in " ".join(result.stdout.split())


def test_the_order_of_lines_does_not_change_the_answer(folder: Path) -> None:
    rows = [row(strategy, sharpe, run) for strategy in "abcd" for run, sharpe in (("r1", 0.9), ("r2", 1.0))]
    answers = set()
    for seed in range(4):
        write(folder, random.Random(seed).sample(rows, len(rows)))
        answers.add(
            distill(folder, "policy", "evaluate", "world.yaml", "metrics.jsonl", "--stage", "backtest", "--json").stdout
        )
    assert len(answers) == 1


def test_a_context_brings_correlations_and_the_previous_selection(folder: Path) -> None:
    write(folder, [row("a", 1.2), row("b", 0.9), row("d", 0.5)])
    (folder / "context.json").write_text('{"correlations": {"b,a": 0.9}, "previous_selection": ["d"]}')
    given = ["--stage", "backtest", "--context", "context.json", "--json"]
    answer = document(distill(folder, "policy", "evaluate", "world.yaml", "metrics.jsonl", *given))
    assert answer["selected"] == ["a", "d"]
    left_out = [result for result in answer["runs"][1]["results"] if result["rule"] == "selection"]
    assert [result["reason_code"] for result in left_out] == ["correlation_constraint_failed"]


def test_a_stage_without_a_profile_is_bad_usage(folder: Path) -> None:
    result = distill(folder, "policy", "evaluate", "world.yaml", "metrics.jsonl", "--stage", "live", "--json")
    assert result.exit_code == 2
    assert "no profile for stage live" in document(result)["error"]["message"]
    result = distill(folder, "policy", "evaluate", "world.yaml", "metrics.jsonl", "--stage", "prod")
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"strategy_id": "z", "run_id": "r", "metrics": {"returns": {"sharpe": 1}}}', "unknown metric"),
        ('{"strategy_id": "z", "run_id": "r", "metrics": {"returns"', "cut off"),
        ('{"strategy_id": "z", "run_id": "r", "metrics": {}, "extra": 1}', "unknown key 'extra'"),
    ],
)
def test_a_wrong_line_of_metrics_is_named_by_its_place(folder: Path, line: str, said: str) -> None:
    with (folder / "metrics.jsonl").open("a") as stream:
        stream.write(line + "\n")
    result = distill(folder, "policy", "evaluate", "world.yaml", "metrics.jsonl", "--stage", "backtest")
    assert result.exit_code == 2
    assert "metrics.jsonl:4:" in result.stderr
    assert said in flat(result.stderr)


def test_files_that_are_not_there_are_bad_usage(folder: Path) -> None:
    stage = ["--stage", "backtest"]
    for command in (
        ["check", "none.yaml"],
        ["evaluate", "world.yaml", "none.jsonl", *stage],
        ["evaluate", "world.yaml", "metrics.jsonl", *stage, "--context", "none.json"],
        ["evaluate", "world.yaml", ".", *stage],
        ["diff", "world.yaml", "none.yaml", "metrics.jsonl"],
    ):
        result = distill(folder, "policy", *command)
        assert result.exit_code == 2, command
        assert "cannot be read" in result.stderr


def test_diff_shows_what_a_new_policy_would_change(folder: Path) -> None:
    change(folder, "min_sharpe: 0.5,", "min_sharpe: 1.0,", "new.yaml")
    found = document(distill(folder, "policy", "diff", "world.yaml", "new.yaml", "metrics.jsonl", "--json"))
    assert (found["runs"], found["changed_verdicts"], found["impact"]) == (3, 1, pytest.approx(1 / 3))
    assert found["old"]["ruleset_hash"] != found["new"]["ruleset_hash"]
    changed = [run["strategy_id"] for run in found["changes"] if run["verdict_changes"]]
    assert changed == ["b"]
    shown = " ".join(distill(folder, "policy", "diff", "world.yaml", "new.yaml", "metrics.jsonl").stdout.split())
    assert "1 of 3 runs get another verdict: impact 0.3333" in shown


@pytest.mark.parametrize(("limit", "code"), [("0", 1), ("0.3", 1), ("0.34", 0), ("1", 0), ("1.1", 2), ("nan", 2)])
def test_diff_refuses_an_impact_above_the_limit(folder: Path, limit: str, code: int) -> None:
    change(folder, "min_sharpe: 0.5,", "min_sharpe: 1.0,", "new.yaml")
    result = distill(folder, "policy", "diff", "world.yaml", "new.yaml", "metrics.jsonl", "--max-impact", limit)
    assert result.exit_code == code, result.output


def test_the_help_says_what_the_exit_codes_mean(folder: Path) -> None:
    for command in ("evaluate", "diff"):
        assert "Exit codes: 0" in flat(distill(folder, "policy", command, "--help").stdout)
