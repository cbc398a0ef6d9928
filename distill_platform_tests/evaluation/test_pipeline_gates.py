"""What counts for release, and what looks like gaming, seen through the whole pipeline."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distill_platform_tests.evaluation.lab import DAY, NEXT_DAY, THIRD_DAY, Lab, sealed_on, trial
from distill_platform_tests.strategies.bundles.builders import sealed

MONITOR = {"run_source": "smoke"}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def status(lab: Lab, run_id: str) -> str:
    return str(lab.verdict(run_id)["summary"]["status"])


def softer(world: dict[str, Any]) -> None:
    """Ask for a lower Sharpe ratio than before."""
    world["version"] = 2
    world["validation_profiles"]["backtest"]["performance"]["min_sharpe"] = 0.1


@pytest.mark.parametrize(
    ("origin", "excluded"),
    [
        ({"run_source": "smoke"}, "run_source=smoke"),
        ({"run_source": "async_test"}, "run_source=async_test"),
        ({"run_source": "maintenance"}, "run_source=maintenance"),
        ({"score_source": "heuristic", "model": None}, "score_source=heuristic"),
        ({"score_source": "manual", "model": None}, "score_source=manual"),
        ({"data_regime": "maintenance_replay"}, "data_regime=maintenance_replay"),
        ({"data_regime": "mixed"}, "data_regime=mixed"),
    ],
)
def test_only_production_runs_of_models_on_live_data_count_for_release(
    lab: Lab, origin: dict[str, Any], excluded: str
) -> None:
    lab.hand_in(1, run_id="excluded", **origin)
    lab.judge()
    verdict = lab.verdict("excluded")
    assert verdict["summary"]["status"] == "warn"
    assert verdict["summary"]["recommended_stage"] == "paper_only"
    assert verdict["evidence"]["counts_for_release"] is False
    (result,) = lab.results("excluded", "real_data_gate")
    assert (result["status"], result["details"]["excluded"]) == ("warn", [excluded])


def test_a_run_that_counts_has_no_word_of_the_real_data_gate(lab: Lab) -> None:
    lab.hand_in(1)
    lab.judge()
    assert lab.results("run-1", "real_data_gate") == []
    assert lab.verdict("run-1")["evidence"]["counts_for_release"] is True
    assert lab.verdict("run-1")["summary"]["recommended_stage"] == "paper_ok_live_candidate"


def test_excluded_runs_are_shown_and_counted(lab: Lab) -> None:
    lab.hand_in(1)
    lab.hand_in(2, **MONITOR)
    lab.evaluate()
    release = lab.report("run-1")["release"]
    assert "run_source=smoke" in str(release)
    assert {row["run_id"] for row in lab.rows("evaluation_reports", "index")} == {"run-1", "run-2"}


@pytest.mark.parametrize(("origin", "severity", "verdict"), [({}, "blocking", "fail"), (MONITOR, "soft", "warn")])
def test_a_run_that_takes_the_place_of_failures_until_one_passes(
    lab: Lab, origin: dict[str, Any], severity: str, verdict: str
) -> None:
    lab.hand_in(1, run_id="try-1", sharpe=-1.0)
    lab.judge()
    lab.hand_in(2, NEXT_DAY, run_id="try-2", sharpe=-1.0, supersedes="try-1")
    lab.judge()
    lab.hand_in(3, THIRD_DAY, run_id="try-3", sharpe=4.0, supersedes="try-2", **origin)
    lab.judge()
    assert lab.flags("try-3") == {"supersede_to_pass"}
    (result,) = lab.results("try-3", "gaming")
    assert (result["severity"], result["details"]["run_ids"]) == (severity, ["try-2", "try-1"])
    assert status(lab, "try-3") == verdict


@pytest.mark.parametrize("winner_first", [False, True])
def test_a_run_that_was_stopped_at_a_gate_alone_failed_too(lab: Lab, winner_first: bool) -> None:
    lab.world(lambda world: world["stage_gates"]["stage1_dev"].update(blocking=["perf.net_sharpe >= 2.0"]))
    tries = [("stopped", {"sharpe": 1.5}), ("through", {"sharpe": 4.0, "supersedes": "stopped"})]
    for (run_id, told), day in zip(reversed(tries) if winner_first else tries, (DAY, NEXT_DAY), strict=True):
        lab.hand_in(1 if run_id == "stopped" else 2, day, run_id=run_id, **told)
        lab.judge()
    assert status(lab, "stopped") == "fail"
    assert lab.flags("through") == {"supersede_to_pass"}


def test_costs_that_are_cut_tenfold_after_a_failure(lab: Lab) -> None:
    lab.world(lambda world: world.update(costs={"fee_bps": 0.0, "slippage_bps": 0.0, "funding_bps_daily": 0.0}))
    lab.hand_in(1, run_id="dear", sharpe=-1.0, cost_bps=5.0)
    lab.hand_in(2, run_id="cheap", sharpe=4.0, cost_bps=0.5)
    lab.judge()
    assert lab.flags("cheap") == {"cost_change"}
    assert lab.results("cheap", "gaming")[0]["details"]["run_ids"] == ["dear"]
    assert status(lab, "cheap") == "fail"
    assert lab.flags("dear") == set()


def test_costs_below_those_that_the_world_has_sealed(lab: Lab) -> None:
    lab.hand_in(1, sharpe=4.0, cost_bps=0.1)
    lab.judge()
    assert lab.flags("run-1") == {"cost_change"}


def test_a_threshold_that_is_lowered_after_a_failure(lab: Lab) -> None:
    lab.hand_in(1, sharpe=0.3)
    lab.judge()
    assert status(lab, "run-1") == "fail"
    lab.world(softer)
    lab.hand_in(2, NEXT_DAY, sharpe=4.0)
    assert lab.judge() == [DAY, NEXT_DAY]
    assert lab.flags("run-2") == {"threshold_change_after_failure"}
    assert "min_sharpe" in lab.results("run-2", "gaming")[0]["reason"]
    assert status(lab, "run-2") == "fail"


def test_a_threshold_that_is_lowered_before_anybody_failed(lab: Lab) -> None:
    lab.world(softer)
    lab.hand_in(1, sharpe=4.0)
    lab.judge()
    assert lab.flags("run-1") == set()


def test_a_policy_that_became_stricter_is_no_gaming(lab: Lab) -> None:
    lab.world(softer)
    lab.hand_in(1, sharpe=-1.0)
    lab.hand_in(2, sharpe=4.0)
    lab.judge()
    lab.world()
    lab.judge()
    assert lab.flags("run-2") == set()


def test_one_run_under_twenty_names_is_one_trial_and_twenty_warnings_less_one(lab: Lab) -> None:
    for number in range(20):
        lab.hand_in(1, run_id=f"copy-{number:02d}", search=trial(0))
    lab.judge()
    assert lab.metrics("copy-00", "overfitting_controls")["robustness.n_trials"] == 1
    assert lab.flags("copy-00") == set()
    for number in range(1, 20):
        assert lab.flags(f"copy-{number:02d}") == {"duplicate_evidence"}


def test_a_run_that_passes_by_doing_nothing(lab: Lab) -> None:
    lab.world(lambda world: world["validation_profiles"].update(backtest={"performance": {"max_drawdown": 0.9}}))
    lab.hand_in(1, run_id="idle")
    idle(lab.inbox / "idle")
    lab.judge()
    assert lab.flags("idle") == {"pass_by_inactivity"}
    assert status(lab, "idle") == "fail"


def idle(folder: Path) -> None:
    """Take everything that the run did out of it, and seal it again."""
    for name in ("trades", "orders", "folds", "daily"):
        (folder / f"{name}.parquet").unlink()
    steps = pq.read_table(folder / "steps.parquet")
    for place, field in enumerate(steps.schema):
        if pa.types.is_floating(field.type) and field.name != "benchmark_ret":
            steps = steps.set_column(place, field, pa.array([0.0] * len(steps)))
    pq.write_table(steps, folder / "steps.parquet")
    sealed_on(sealed(folder), DAY)
