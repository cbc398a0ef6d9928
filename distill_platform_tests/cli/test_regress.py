"""`distill policy regress` puts runs of known truth before a policy, and says which it cannot tell."""

import json
from pathlib import Path

import pytest

from distill_platform.cli.console import plain
from distill_platform.evaluation.regression.truths import Truth
from distill_platform_tests.cli.terminal import distill, document, flat
from distill_platform_tests.evaluation.worlds import PATH

SHIPPED = PATH.read_text(encoding="utf-8")
LOOSENED = {
    "min_dsr: 0.95, max_pbo: 0.2, ": "min_dsr: 0.0, max_pbo: 1.0, ",
    "wf.oos_sum_pnl > 0, robustness.dsr >= 0.95": "wf.oos_sum_pnl > 0",
    "      - invariants.fee_nonzero == true\n": "",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped policy, and what became of it in a week of being in a hurry."""
    text = SHIPPED
    for old, new in LOOSENED.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "world.yaml").write_text(SHIPPED)
    (tmp_path / "loosened.yaml").write_text(text)
    return tmp_path


def test_the_shipped_policy_tells_all_truths(folder: Path) -> None:
    result = distill(folder, "policy", "regress", "world.yaml", "--runs", "1")
    assert result.exit_code == 0, result.output
    assert "us_equity_daily version 1 tells 10 of 10 truths" in result.stdout
    shown = flat(result.stdout)
    assert "cost_free stopped 1 stopped 1 stage0_integrity" in shown
    assert "returns.sharpe_daily <= 6.0; returns.sharpe_daily > 4.0" in shown
    assert "good: nothing speaks against any of them" in shown


def test_a_loosened_policy_is_caught_and_diff_shows_what_it_would_let_through(folder: Path) -> None:
    result = distill(folder, "policy", "regress", "loosened.yaml", "--runs", "1", "--out", "metrics.jsonl")
    assert result.exit_code == 1
    assert "overfit: 1 of 1 runs get through" in result.stdout
    assert "cost_free: 1 of 1 runs are stopped by a metric that is missing alone" in flat(result.stdout)
    compared = ["world.yaml", "loosened.yaml", "metrics.jsonl"]
    found = document(distill(folder, "policy", "diff", *compared, "--json"))
    assert found["runs"] == len(Truth)
    assert "overfit" in {run["strategy_id"] for run in found["changes"] if run["verdict_changes"]}
    gates = {run["strategy_id"]: [gate["stage"] for gate in run["gates"]] for run in found["changes"]}
    assert "stage0_integrity" in gates["cost_free"]
    assert distill(folder, "policy", "diff", *compared, "--max-impact", "0").exit_code == 1


def test_the_answer_is_one_json_document_and_the_same_every_time(folder: Path) -> None:
    given = ["policy", "regress", "world.yaml", "--runs", "1", "--seed", "3", "--json"]
    first, second = (distill(folder, *given, "--out", name) for name in ("one.jsonl", "two.jsonl"))
    assert first.exit_code == 0, first.output
    assert first.stdout == second.stdout
    assert (folder / "one.jsonl").read_bytes() == (folder / "two.jsonl").read_bytes()
    answer = document(first)
    assert (answer["seed"], answer["runs_per_truth"], answer["holds"], answer["problems"]) == (3, 1, True, [])
    assert [summary["truth"] for summary in answer["truths"]] == list(Truth)
    assert {run["truth"]: run["outcome"] for run in answer["runs"]}["good"] in ("passed", "watched")


def test_the_file_is_what_evaluate_reads_and_its_order_is_no_matter(folder: Path) -> None:
    distill(folder, "policy", "regress", "world.yaml", "--runs", "1", "--out", "metrics.jsonl")
    lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    assert [json.loads(line)["strategy_id"] for line in lines] == list(Truth)
    (folder / "reversed.jsonl").write_text("".join(reversed(lines)))
    answers = [
        distill(folder, "policy", "evaluate", "world.yaml", name, "--stage", "backtest", "--json")
        for name in ("metrics.jsonl", "reversed.jsonl")
    ]
    assert answers[0].stdout == answers[1].stdout
    assert "good" in document(answers[0])["selected"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.yaml"], "cannot be read"),
        (["world.yaml", "--runs", "0"], "--runs"),
        (["world.yaml", "--seed", "-1"], "--seed"),
        (["paper.yaml"], "no profile for stage backtest"),
        (["world.yaml", "--runs", "1", "--out", "."], "cannot be written"),
    ],
)
def test_bad_usage_says_what_is_wrong(folder: Path, arguments: list[str], said: str) -> None:
    paper = SHIPPED.replace("{backtest_only: backtest, paper_only: paper}", "{paper_only: paper}")
    (folder / "paper.yaml").write_text(paper)
    result = distill(folder, "policy", "regress", *arguments)
    assert result.exit_code == 2, result.output
    assert said in plain(flat(result.stderr))
