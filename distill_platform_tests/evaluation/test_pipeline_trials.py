"""What was tried counts: trials that come later lower what came first, and numbers that contradict count nowhere."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from distill_platform_tests.evaluation.lab import COHORT, DAY, NEXT_DAY, Lab, sealed_on
from distill_platform_tests.strategies.bundles.builders import sealed

DSR, N = "robustness.deflated_sharpe_ratio", "robustness.n_trials"
KEPT = ("invariants.", "triage.", "diagnostics.")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def controls(lab: Lab, run_id: str, day: str = DAY) -> dict[str, Any]:
    return lab.metrics(run_id, "overfitting_controls", day)


def tamper(folder: Path) -> None:
    """Let the trades make more than the steps did, and seal it as if nothing were wrong."""
    file = folder / "trades.parquet"
    trades = pq.read_table(file)
    place = trades.schema.get_field_index("pnl")
    pq.write_table(trades.set_column(place, trades.field(place), pc.add(trades["pnl"], pa.scalar(0.01))), file)
    sealed_on(sealed(folder), DAY)


def test_a_winner_that_came_alone_pays_for_the_losers_that_come_later(lab: Lab) -> None:
    lab.hand_in(1, sharpe=2.0, run_id="winner")
    lab.judge()
    alone = controls(lab, "winner")
    assert alone[N] == 1
    for seed in range(2, 5):
        lab.hand_in(seed, NEXT_DAY, sharpe=0.0, run_id=f"loser-{seed}")
    assert lab.waiting() == [DAY, NEXT_DAY]
    lab.evaluate()
    among = controls(lab, "winner")
    assert among[N] == 4
    assert among[DSR] < alone[DSR]
    told = lab.report("winner")["trials"]
    assert (told["n"], told["dsr"]) == (4, among[DSR])
    assert lab.waiting() == []


def test_what_was_declared_counts_before_it_was_handed_in(lab: Lab) -> None:
    search = {"declared_trials": 200, "trial_index": 7, "parameters": {}}
    lab.hand_in(1, search=search)
    lab.judge()
    assert controls(lab, "run-1")[N] == 200


def test_a_run_whose_accounting_is_broken_keeps_only_what_says_so_and_fails(lab: Lab) -> None:
    lab.hand_in(1, run_id="honest")
    lab.hand_in(2, run_id="cooked")
    tamper(lab.inbox / "cooked")
    lab.evaluate()
    metrics = lab.metrics("cooked")
    assert metrics["invariants.pnl_sums_match"] is False
    assert metrics["triage.integrity_broken"] is True
    assert all(name.startswith(KEPT) for name in metrics)
    assert lab.verdict("cooked")["summary"]["status"] == "fail"
    (row,) = [row for row in lab.rows("evaluation_runs", "runs") if row["run_id"] == "cooked"]
    assert (row["sound"], row["broken"]) == (False, ["pnl_sums_match"])
    assert "integrity_broken" in lab.report("cooked")["triage"]["tags"]
    assert lab.report("cooked")["integrity"]["status"] == "fail"
    assert "Refused before any metric counts" in lab.report("cooked")["verdict"]["headline"]


def test_a_broken_run_counts_as_a_trial_but_in_no_comparison(lab: Lab) -> None:
    for seed in (1, 2, 3):
        lab.hand_in(seed)
    lab.hand_in(4, run_id="cooked")
    tamper(lab.inbox / "cooked")
    lab.hand_in(5, stage="live", strategy_id="other", cohort_id="live", run_id="cooked-live")
    tamper(lab.inbox / "cooked-live")
    lab.judge()
    assert controls(lab, "run-1")[N] == 4
    assert controls(lab, "run-1")["cohort.n_runs"] == 3
    assert controls(lab, "cooked") == {}
    assert lab.metrics("cooked", "portfolio_fit") == {}
    assert lab.metrics("run-1", "portfolio_fit")["portfolio.correlation_source"] == "none"
    assert not [row for row in lab.rows("evaluation_metrics", "daily") if row["run_id"].startswith("cooked")]


def test_two_runs_that_claim_to_be_one_and_differ_are_both_broken(lab: Lab) -> None:
    same = {"seeds": {"numpy": 1}, "search": {"declared_trials": 2, "trial_index": 0, "parameters": {}}}
    lab.hand_in(1, run_id="first", **same)
    lab.judge()
    assert lab.verdict("first")["summary"]["status"] == "pass"
    lab.hand_in(2, NEXT_DAY, run_id="second", **same)
    assert lab.judge() == [DAY, NEXT_DAY]
    for run_id, day in (("first", DAY), ("second", NEXT_DAY)):
        assert lab.metrics(run_id, day=day)["invariants.repro_hash_match"] is False
        assert all(name.startswith(KEPT) for name in lab.metrics(run_id, day=day))
        assert lab.verdict(run_id)["summary"]["status"] == "fail"
    assert [one["summary"]["status"] for one in lab.revisions("first")] == ["pass", "fail"]


def test_two_runs_that_claim_to_be_one_and_agree_confirm_each_other(lab: Lab) -> None:
    lab.hand_in(1, run_id="first")
    lab.hand_in(1, NEXT_DAY, run_id="again")
    lab.judge()
    for run_id, day in (("first", DAY), ("again", NEXT_DAY)):
        assert lab.metrics(run_id, day=day)["invariants.repro_hash_match"] is True
    assert controls(lab, "first")[N] == 1


def test_trials_of_other_cohorts_make_nobody_wait(lab: Lab) -> None:
    lab.hand_in(1)
    lab.evaluate()
    lab.hand_in(2, NEXT_DAY, cohort_id="another", strategy_id="another")
    assert lab.waiting() == [NEXT_DAY]


def test_a_strategy_that_goes_live_makes_those_wait_that_would_stand_beside_it(lab: Lab) -> None:
    lab.hand_in(1)
    lab.evaluate()
    lab.hand_in(2, NEXT_DAY, stage="live", strategy_id="other", cohort_id="trading")
    assert lab.evaluate() == [DAY, NEXT_DAY]
    assert lab.metrics("run-1", "portfolio_fit")["portfolio.correlation_source"] == "measured"
    assert lab.waiting() == []


def test_a_paper_run_stands_beside_its_backtest_whichever_comes_first(lab: Lab) -> None:
    lab.hand_in(1, run_id="paper", stage="paper", cohort_id="papers")
    lab.judge()
    assert lab.metrics("paper", "portfolio_fit")["live.backtest_sharpe_ratio"] != pytest.approx(1.0)
    lab.hand_in(1, NEXT_DAY, run_id="backtest")
    assert lab.waiting() == [DAY, NEXT_DAY]
    lab.judge()
    assert lab.metrics("paper", "portfolio_fit")["live.backtest_sharpe_ratio"] == pytest.approx(1.0)


def test_the_trials_of_a_cohort_stand_in_the_ledger(lab: Lab) -> None:
    for seed in (1, 2):
        lab.hand_in(seed)
    lab.judge()
    assert lab.ledger_heads()[f"trial/{COHORT}"] == 2
