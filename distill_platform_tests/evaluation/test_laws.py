"""The checks of every stage look at rows, bytes and records: what is wrong there fails the check, and stops the day."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from distill_platform.core.errors import GateRefused
from distill_platform.evaluation.arrivals import ACTOR, KIND
from distill_platform.evaluation.measured import Measured
from distill_platform.evaluation.pipeline import STAGES
from distill_platform.evaluation.schemas import TABLES
from distill_platform.evaluation.stage import Evaluation, from_these, publish_day
from distill_platform.store.lake import Counts, Input, Manifest
from distill_platform.store.lake.tables import MadeTables, Row, rows_of
from distill_platform.store.ledger import Entry
from distill_platform.store.stages import refuse_failed, steps
from distill_platform_tests.evaluation.lab import DAY, Lab
from distill_platform_tests.evaluation.test_pipeline_trials import tamper

Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def run_to(opened: Evaluation, last: str) -> None:
    """Run the stages up to and with the named one."""
    for step in steps(STAGES):
        refuse_failed(step[0].work(opened, [stage.name for stage in step], [DAY]))
        if last in [stage.name for stage in step]:
            return


def made_by(opened: Evaluation, dataset: str) -> list[Manifest]:
    """What the stages that are made in one go with a dataset publish."""
    (step,) = [step for step in steps(STAGES) if dataset in [stage.name for stage in step]]
    return step[0].work(opened, [stage.name for stage in step], [DAY])


def retold(opened: Evaluation, dataset: str, table: str, change: Change) -> None:
    """Publish a day of a dataset once more, with other rows in one of its tables, as if it had been made so."""
    found = opened.lake.open(dataset, DAY)
    tables: dict[str, Sequence[Row] | pa.Table] = {name: rows_of(found, name) for name in TABLES[dataset]}
    tables[table] = change(rows_of(found, table))
    publish_day(opened, dataset, DAY, MadeTables(tables, {"hand": Input("by", "hand")}, Counts(0, 0)))


def broken(manifests: Sequence[Manifest]) -> dict[str, set[str]]:
    """The blocking checks that failed, by dataset, after making sure that they stop the run."""
    found = {
        one.dataset: {check.name for check in one.checks if check.blocking and not check.passed} for one in manifests
    }
    failed = {dataset: names for dataset, names in found.items() if names}
    if failed:
        with pytest.raises(GateRefused):
            refuse_failed(manifests)
    return failed


def renamed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "run_id": "stray"} if row["run_id"] == "run-2" else row for row in rows]


@pytest.mark.parametrize("as_table", [False, True])
def test_a_row_of_a_stray_run_fails_the_check_and_is_named(as_table: bool) -> None:
    rows: list[Mapping[str, Any]] = [{"run_id": "known"}, {"run_id": "stray"}]
    table = pa.Table.from_pylist(rows) if as_table else rows
    found = from_these({"rows": table, "others": [{"cohort_id": "all"}]}, ["known"], "the runs of the day")
    assert (found.name, found.passed, found.blocking, found.sample) == ("provenance", False, True, ("stray",))
    assert from_these({"rows": table}, ["known", "stray"], "the runs of the day").passed


def test_measures_of_a_run_that_did_not_arrive_stop_the_day(lab: Lab) -> None:
    lab.hand_in(1)
    lab.hand_in(2)
    with lab.evaluation() as opened:
        run_to(opened, "run_bundles")
        retold(opened, "run_bundles", "bundles", renamed)
        found = broken(made_by(opened, "evaluation_runs"))
    measures = ("evaluation_runs", "evaluation_metrics", "walk_forward", "stress_tests", "triage")
    assert found == {name: {"provenance", "conservation"} for name in measures}


def test_a_comparison_of_a_run_that_is_not_sound_stops_the_day(lab: Lab) -> None:
    def unsound(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "sound": row["run_id"] != "run-2"} for row in rows]

    lab.hand_in(1)
    lab.hand_in(2)
    with lab.evaluation() as opened:
        run_to(opened, "evaluation_runs")
        retold(opened, "evaluation_runs", "runs", unsound)
        found = broken(made_by(opened, "portfolio_fit"))
    assert found == {name: {"provenance"} for name in ("overfitting_controls", "portfolio_fit")}


def test_a_run_that_the_ledger_does_not_count_as_a_trial_stops_the_day(lab: Lab) -> None:
    def of_a_stranger(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*rows, {**rows[0], "run_id": "uncounted"}]

    lab.hand_in(1)
    with lab.evaluation() as opened:
        run_to(opened, "evaluation_runs")
        retold(opened, "evaluation_runs", "runs", of_a_stranger)
        found = broken(made_by(opened, "overfitting_controls"))
    compared = ("overfitting_controls", "portfolio_fit", "node_contributions")
    assert found == {name: {"honest_n", "conservation"} for name in compared}


def test_a_verdict_on_a_run_that_nobody_measured_stops_the_day(lab: Lab) -> None:
    lab.hand_in(1)
    lab.hand_in(2)
    with lab.evaluation() as opened:
        run_to(opened, "portfolio_fit")
        for dataset, table in (("overfitting_controls", "controls"), ("portfolio_fit", "fit")):
            retold(opened, dataset, table, lambda rows: rows)  # so that they do not remember whose runs they were
        retold(opened, "evaluation_runs", "runs", renamed)
        found = broken(made_by(opened, "rule_results"))
    assert found == {name: {"provenance"} for name in ("rule_results", "stage_gates")}


@pytest.mark.parametrize(
    ("changed", "checks"),
    [
        ({"cohort_id": "another"}, {"provenance"}),
        ({"strategy_id": "another"}, {"provenance"}),
        ({"content_sha256": "0" * 64}, {"provenance", "sealed"}),
    ],
)
def test_an_arrival_that_the_ledger_tells_otherwise_than_the_bundle_stops_the_day(
    lab: Lab, changed: dict[str, str], checks: set[str]
) -> None:
    lab.hand_in(1)
    with lab.evaluation() as opened:
        assert broken(made_by(opened, "run_bundles")) == {}
        told = opened.ledger.latest("receipt/run-1")
        assert told is not None
        opened.ledger.append(Entry("receipt/run-1", "once more", KIND, {**told.body, **changed}, ACTOR))
        assert broken(made_by(opened, "run_bundles")) == {"run_bundles": checks}


def test_numbers_of_a_run_whose_accounting_is_broken_stop_the_day(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.hand_in(1)
    lab.hand_in(2, run_id="cooked")
    tamper(lab.inbox / "cooked")
    with lab.evaluation() as opened:
        run_to(opened, "run_bundles")
        assert broken(made_by(opened, "evaluation_metrics")) == {}
        monkeypatch.setattr(Measured, "metrics", property(lambda run: dict(run.found.metrics)))
        assert broken(made_by(opened, "evaluation_metrics"))["evaluation_metrics"] >= {"integrity"}


def test_a_pass_of_a_run_of_which_nobody_says_that_its_accounting_holds_stops_the_day(lab: Lab) -> None:
    def unsaid(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["metric"] != "triage.integrity_broken"]

    lab.hand_in(1)
    with lab.evaluation() as opened:
        run_to(opened, "portfolio_fit")
        retold(opened, "evaluation_metrics", "metrics", unsaid)
        found = broken(made_by(opened, "rule_results"))
    assert found == {name: {"fail_closed"} for name in ("rule_results", "stage_gates")}


def test_a_report_whose_verdict_is_not_the_ledger_s_stops_the_day(lab: Lab) -> None:
    lab.hand_in(1, sharpe=-1.0)
    with lab.evaluation() as opened:
        run_to(opened, "stage_gates")
        (stream,) = opened.ledger.streams("evaluation/")
        told = opened.ledger.latest(stream)
        assert told is not None
        kinder = {**told.body, "summary": {**told.body["summary"], "status": "pass"}}
        opened.ledger.append(Entry(stream, "another verdict", told.kind, kinder, told.actor))
        found = broken(made_by(opened, "evaluation_reports"))
    assert found == {"evaluation_reports": {"provenance"}}


def test_an_artifact_that_is_not_what_was_written_stops_the_day(lab: Lab) -> None:
    def spoil(step: str) -> None:
        if step == "synced evaluation_report.md":
            (lab.lake / "reports/runs/run-1/evaluation_report.md").write_text("All is well.")

    lab.hand_in(1, sharpe=-1.0)
    with lab.evaluation() as opened:
        run_to(opened, "stage_gates")
    with lab.evaluation(spoil) as opened:
        assert broken(made_by(opened, "evaluation_reports")) == {"evaluation_reports": {"reports_whole"}}
