"""Drift is what a run made differently: exactly the rows that moved, and nothing for an unchanged rerun.

Real small runs go through evidence and scoring; what no honest run can do is forged into their receipts.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from distill_platform.core import canon
from distill_platform.refinery import pipeline
from distill_platform.refinery.drift import DriftReport, report_drift
from distill_platform.refinery.drift_report import Offender, StageDrift
from distill_platform.refinery.evidence import build_evidence
from distill_platform.refinery.measures import Severity, baseline, change, compare, distance
from distill_platform.refinery.scoring import score_runs
from distill_platform.refinery.settings import DriftSettings, load_settings
from distill_platform.refinery.stage import Refinery, open_refinery
from distill_platform.store.lake import Counts, Lake, Manifest, file_sha256
from distill_platform.store.receipts import (
    StageReceipt,
    failed_receipt,
    read_receipts,
    receipt_of,
    run_folder,
    write_receipts,
)

DAYS = ("2026-04-20", "2026-04-21")
START = datetime(2026, 5, 1, tzinfo=UTC)
STAGES: dict[str, Callable[[Refinery, Sequence[str]], list[Manifest]]] = {
    "evidence": build_evidence,
    "scored_runs": score_runs,
}
STREAM = """
stream: {name}
description: A tiny stream.
class: verdict
path: {name}.jsonl
record:
  run_id: run
  task_id: task
  timestamp: {{from: at, type: timestamp}}
  model_role: {{value: reviewer}}
  prompt: ask
  text: say
metadata:
  score: {{from: score, type: number}}
scoring:
  - {{when: "metadata.score >= 5", category: accepted, reason: high}}
  - {{when: "metadata.score < 5", category: rejected, reason: low}}
otherwise: {{category: needs_human_review, reason: none}}
"""


class World:
    """A configuration, source files and a lake in a folder, and runs over them, an hour apart."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lake = Lake(home / "data" / "lake")
        self.runs = 0
        (home / "config" / "sources").mkdir(parents=True)
        (home / "data" / "sources").mkdir(parents=True)
        self.configure("workers: 1\n")
        for name in ("alpha", "beta"):
            self.declare(name, STREAM.format(name=name))
            self.fill(name, [self.row(name, number) for number in range(20)])

    def configure(self, text: str) -> None:
        (self.home / "config" / "platform.yaml").write_text(text)

    def declare(self, name: str, text: str) -> None:
        (self.home / "config" / "sources" / f"{name}.yaml").write_text(text)

    def source(self, name: str) -> Path:
        return self.home / "data" / "sources" / f"{name}.jsonl"

    def fill(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        self.source(name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    @staticmethod
    def row(name: str, number: int) -> dict[str, Any]:
        """Row `number` of a stream: scores 0 to 9 in turn, the days in turn."""
        at = f"{DAYS[number % 2]}T08:{number:02d}:00Z"
        task = {"run": f"{name}-{number}", "task": f"t{number}", "at": at, "score": number % 10}
        return task | {"ask": f"Question {number}?", "say": f"Answer {number} of {name}."}

    def run(self, days: Sequence[str] = DAYS, stages: Sequence[str] = tuple(STAGES)) -> DriftReport:
        """Run the stages, write their receipts, and report."""
        self.runs += 1
        run_id = f"run-{self.runs}"
        with open_refinery(load_settings(self.home / "config" / "platform.yaml"), now=START) as refinery:
            for number, stage in enumerate(stages):
                started = START + timedelta(hours=self.runs, minutes=number)
                hashes = {path.name: file_sha256(path) for path in (self.home / "data" / "sources").iterdir()}
                made = [receipt_of(m, run_id, started, 0.1 * self.runs, hashes) for m in STAGES[stage](refinery, days)]
                write_receipts(self.lake, run_id, stage, made)
            return report_drift(refinery, days, run_id)

    def run_all(self, run_id: str) -> DriftReport:
        """Run the whole pipeline."""
        with open_refinery(load_settings(self.home / "config" / "platform.yaml"), now=START) as refinery:
            pipeline.run_all(refinery, DAYS, run_id)
        return self.report(run_id)

    def report(self, run_id: str) -> DriftReport:
        """Report on a run whose receipts may have been forged since."""
        with open_refinery(load_settings(self.home / "config" / "platform.yaml"), now=START) as refinery:
            return report_drift(refinery, DAYS, run_id)

    def forge(self, run_id: str, stage: str, partition: str, **changes: Any) -> None:
        """Change what one receipt says."""
        found = [receipt for receipt in read_receipts(self.lake, run_id) if receipt.stage == stage]
        forged = [replace(receipt, **changes) if receipt.partition == partition else receipt for receipt in found]
        write_receipts(self.lake, run_id, stage, forged)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def stage(report: DriftReport, name: str) -> StageDrift:
    (found,) = (drift for drift in report.stages if drift.stage == name)
    return found


def moved(drift: StageDrift) -> dict[str, tuple[int | None, int | None, int | None]]:
    """Rows added, removed and changed of each table that differs."""
    return {f"{t.partition}.{t.table}": (t.rows_added, t.rows_removed, t.rows_changed) for t in drift.tables}


def metrics(report: DriftReport) -> dict[str, tuple[float | None, float]]:
    """The numbers that changed, prior and current."""
    return {metric.name: (metric.prior, metric.current) for metric in report.metrics if metric.change}


def flags(report: DriftReport) -> dict[str, Severity]:
    return {flag.name: flag.severity for flag in report.flags}


def test_the_first_run_has_nothing_to_be_compared_with(world: World) -> None:
    report = world.run()
    assert report.first_run
    assert (report.prior_run_id, report.severity) == (None, Severity.OK)
    assert (report.input_hash_match, report.output_hash_match) == (None, None)
    numbers = {metric.name: metric.current for metric in report.metrics}
    assert numbers["evidence.rows_out"] == numbers["scored_runs.rows_in"] == 40
    assert all(metric.prior is None and metric.change == 0 for metric in report.metrics)


def test_an_unchanged_rerun_reports_no_drift(world: World) -> None:
    world.run()
    report = world.run()
    assert (report.prior_run_id, report.first_run, report.severity) == ("run-1", False, Severity.OK)
    assert (report.input_hash_match, report.output_hash_match, report.deterministic_violation) == (True, True, False)
    assert metrics(report) == {}
    assert report.flags == ()
    for drift in report.stages:
        assert (drift.rows_added, drift.rows_removed, drift.rows_changed, drift.tables) == (0, 0, 0, ())
        assert (drift.config_changed, drift.code_changed) == (False, False)
    assert "No row moved." in report.to_markdown()


def test_shuffled_sources_are_no_drift(world: World) -> None:
    world.run()
    world.fill("alpha", [world.row("alpha", number) for number in reversed(range(20))])
    report = world.run()
    assert (report.severity, report.input_hash_match, report.output_hash_match) == (Severity.OK, True, True)
    assert [moved(drift) for drift in report.stages] == [{}, {}]


def test_a_changed_rule_changes_exactly_the_verdicts_it_should(world: World) -> None:
    world.run()
    world.declare("alpha", STREAM.format(name="alpha").replace("5", "7"))
    report = world.run()
    assert moved(stage(report, "evidence")) == {}
    scored = stage(report, "scored_runs")
    # Scores 5 and 6 of `alpha` fall below the new bound: two rows each, one of either parity and so of either day.
    assert moved(scored) == {f"{day}.runs": (0, 0, 2) for day in DAYS}
    assert (scored.config_changed, scored.input_hash_match, scored.output_hash_match) == (True, True, False)
    assert not stage(report, "evidence").config_changed
    assert metrics(report) == {
        "scored_runs.categories.accepted": (20, 16),
        "scored_runs.categories.rejected": (20, 24),
        "scored_runs.distance.categories": (0, 0.1),
    }
    assert not report.deterministic_violation


def test_the_sample_names_rows_that_really_changed(world: World) -> None:
    world.run()
    world.declare("alpha", STREAM.format(name="alpha").replace("5", "7"))
    drifted = [name for table in stage(world.run(), "scored_runs").tables for name in table.sample]
    runs = [world.lake.inspect("scored_runs", day).read("runs", ["evidence_id", "run_id"]) for day in DAYS]
    names = {row["evidence_id"]: row["run_id"] for table in runs if table is not None for row in table.to_pylist()}
    assert {names[found] for found in drifted} == {"alpha-5", "alpha-6", "alpha-15", "alpha-16"}


def test_a_changed_mapping_replaces_exactly_the_records_of_its_stream(world: World) -> None:
    world.run()
    world.declare("beta", STREAM.format(name="beta").replace("{value: reviewer}", "{value: verifier}"))
    report = world.run()
    assert moved(stage(report, "evidence")) == {f"{day}.records": (10, 10, 0) for day in DAYS}
    assert moved(stage(report, "scored_runs")) == {f"{day}.runs": (10, 10, 0) for day in DAYS}
    assert stage(report, "evidence").config_changed
    assert not stage(report, "scored_runs").config_changed
    assert report.input_hash_match, "the source files are the same to the byte"
    assert not stage(report, "scored_runs").input_hash_match
    assert metrics(report) == {}
    assert flags(report) == {}


def test_new_and_bad_rows_are_counted_where_they_arrive(world: World) -> None:
    world.run()
    with world.source("alpha").open("a") as file:
        file.write(json.dumps(world.row("alpha", 20)) + "\nnot json\n")
    report = world.run()
    assert moved(stage(report, "evidence")) == {f"{DAYS[0]}.records": (1, 0, 0), "undated.quarantine": (1, 0, 0)}
    assert metrics(report)["evidence.quarantined.malformed_json"] == (0, 1)
    assert metrics(report)["evidence.health.alpha.rows"] == (20, 21)
    assert metrics(report)["evidence.distance.quarantined"] == (0, 1)
    assert (report.severity, report.input_hash_match) == (Severity.ALERT, False)


def test_rows_that_went_are_counted_too(world: World) -> None:
    world.run()
    world.fill("beta", [world.row("beta", number) for number in range(18)])
    report = world.run()
    assert moved(stage(report, "scored_runs")) == {f"{day}.runs": (0, 1, 0) for day in DAYS}


def test_a_source_file_that_is_gone_is_a_warning(world: World) -> None:
    world.fill("beta", [world.row("beta", 0)])
    world.run()
    world.source("beta").unlink()
    assert flags(world.run())["source_missing"] is Severity.WARN
    assert "source_missing" not in flags(world.run()), "it was missing before"


def test_a_stream_declared_before_its_file_comes_is_not_a_lost_source(world: World) -> None:
    world.run()
    world.declare("gamma", STREAM.format(name="gamma"))
    assert flags(world.run()) == {}


def test_other_content_from_the_same_work_is_a_violation(world: World) -> None:
    world.run()
    world.run()
    world.forge("run-1", "scored_runs", DAYS[1], content_hash="0" * 64)
    report = world.report("run-2")
    assert (report.deterministic_violation, report.severity) == (True, Severity.ALERT)
    assert report.violations == (Offender("scored_runs", DAYS[1]),)
    assert f"scored_runs[{DAYS[1]}]" in report.to_markdown()


@pytest.mark.parametrize("reason", ["input_hash", "config_hash", "code_version"])
def test_other_content_with_a_reason_is_no_violation(world: World, reason: str) -> None:
    world.run()
    world.run()
    world.forge("run-1", "scored_runs", DAYS[1], content_hash="0" * 64, **{reason: "another"})
    report = world.report("run-2")
    assert not report.deterministic_violation
    assert not stage(report, "scored_runs").output_hash_match
    assert stage(report, "scored_runs").code_changed == (reason == "code_version")


def test_the_same_source_bytes_read_differently_are_a_warning(world: World) -> None:
    world.run()
    world.run()
    world.forge("run-1", "evidence", DAYS[0], content_hash="0" * 64, input_hash="0" * 64)
    assert flags(world.report("run-2")) == {"sources_read_differently": Severity.WARN}


def test_where_prior_files_are_gone_the_rows_are_unknown(world: World) -> None:
    world.run()
    world.declare("alpha", STREAM.format(name="alpha").replace("5", "7"))
    prior = [receipt for receipt in read_receipts(world.lake, "run-1") if receipt.stage == "scored_runs"]
    (world.lake.root / prior[0].outputs[0].path).unlink()
    report = world.run()
    scored = stage(report, "scored_runs")
    assert (scored.rows_added, scored.rows_removed, scored.rows_changed) == (None, None, None)
    assert moved(scored)[f"{DAYS[0]}.runs"] == (None, None, None)
    assert moved(scored)[f"{DAYS[1]}.runs"] == (0, 0, 2)
    assert scored.tables[0].unknown.endswith("is gone")
    assert "| unknown | unknown | unknown |" in report.to_markdown()


def test_a_prior_file_that_cannot_be_read_leaves_its_rows_unknown(world: World) -> None:
    world.run()
    world.declare("alpha", STREAM.format(name="alpha").replace("5", "7"))
    prior = [receipt for receipt in read_receipts(world.lake, "run-1") if receipt.stage == "scored_runs"]
    (world.lake.root / prior[0].outputs[0].path).write_bytes(b"not parquet")
    assert moved(stage(world.run(), "scored_runs"))[f"{DAYS[0]}.runs"] == (None, None, None)


def test_files_gone_from_an_unchanged_table_change_nothing(world: World) -> None:
    world.run()
    report = world.run()
    for output in read_receipts(world.lake, "run-1")[0].outputs:
        (world.lake.root / output.path).unlink(missing_ok=True)
    assert world.report("run-2") == report


def test_failed_runs_are_not_what_others_are_compared_with(world: World) -> None:
    world.run()
    world.run()
    world.forge("run-2", "scored_runs", DAYS[0], passed=False, errors=("conservation: 1",))
    assert world.run().prior_run_id == "run-1"


def test_runs_over_other_days_or_stages_are_not_comparable(world: World) -> None:
    world.run(DAYS[:1])
    world.run(stages=["evidence"])
    assert world.run().first_run


def test_a_day_made_anew_is_compared_with_the_same_day_of_a_longer_run(world: World) -> None:
    world.run()
    report = world.run(DAYS[:1], ["evidence"])
    assert (report.prior_run_id, report.severity, metrics(report)) == ("run-1", Severity.OK, {})
    world.declare("alpha", STREAM.format(name="alpha").replace("5", "7"))
    report = world.run(DAYS[:1], ["scored_runs"])
    assert moved(stage(report, "scored_runs")) == {f"{DAYS[0]}.runs": (0, 0, 2)}
    assert report.input_hash_match


def test_a_run_that_failed_is_an_alert_and_compares_what_it_made(world: World) -> None:
    world.run()
    world.run(stages=["evidence"])
    failed = failed_receipt(
        "scored_runs", DAYS[0], "run-2", START + timedelta(hours=3), 0.1, "LakeError: disk full", "code"
    )
    write_receipts(world.lake, "run-2", "scored_runs", [failed])
    report = world.report("run-2")
    assert (report.prior_run_id, flags(report)) == ("run-1", {"run_failed": Severity.ALERT})
    assert [drift.stage for drift in report.stages] == ["evidence"]
    assert metrics(report) == {}


def test_a_run_whose_stages_all_raised_has_nothing_to_compare(world: World) -> None:
    world.run()
    failed = failed_receipt(
        "evidence", DAYS[0], "run-2", START + timedelta(hours=3), 0.1, "LakeError: disk full", "code"
    )
    write_receipts(world.lake, "run-2", "evidence", [failed])
    report = world.report("run-2")
    assert (report.prior_run_id, report.first_run, report.severity) == (None, False, Severity.ALERT)
    assert report.metrics == ()


def test_a_run_without_receipts_says_so_and_writes_nothing(world: World) -> None:
    report = world.report("never")
    assert flags(report) == {"no_receipts": Severity.ALERT}
    assert not report.first_run
    assert "left no receipts" in report.to_markdown()
    assert not run_folder(world.lake, "never").exists()


def test_the_runs_folder_holds_summary_and_drift_for_programs_and_readers(world: World) -> None:
    world.run()
    report = world.run()
    folder = run_folder(world.lake, "run-2")
    names = {path.name for path in folder.iterdir()}
    assert names == {"receipts", "summary.json", "summary.md", "drift.json", "drift.md"}
    assert (folder / "drift.json").read_bytes() == report.to_json()
    assert canon.parse(report.to_json())["severity"] == "ok"
    first = canon.parse((run_folder(world.lake, "run-1") / "summary.json").read_bytes())
    again = canon.parse((folder / "summary.json").read_bytes())
    assert first["run_hash"] == again["run_hash"]


def test_the_markdown_names_stage_number_and_rows(world: World) -> None:
    world.run()
    world.declare("alpha", STREAM.format(name="alpha").replace("5", "7"))
    text = world.run().to_markdown()
    assert "| scored_runs | 2 | same | changed | same | changed | 0 | 0 | 4 |" in text
    assert f"| scored_runs[{DAYS[0]}].runs | 0 | 0 | 2 |" in text
    assert "| scored_runs.categories.accepted | 20 | 16 | -20.0% | ok |" in text


def test_thresholds_come_from_the_configuration(world: World) -> None:
    world.run()
    world.declare("alpha", STREAM.format(name="alpha").replace("5", "7"))
    world.configure("workers: 1\ndrift: {warn: 0.1, metrics: {scored_runs.categories.accepted: 0.3, typo: 0.1}}\n")
    report = world.run()
    severities = {metric.name: metric.severity for metric in report.metrics}
    assert severities["scored_runs.categories.accepted"] is Severity.OK
    assert severities["scored_runs.categories.rejected"] is Severity.WARN
    assert severities["scored_runs.distance.categories"] is Severity.OK, "a change of exactly the bound passes"
    assert "typo" in next(flag.detail for flag in report.flags if flag.name == "unused_threshold")


def test_a_changed_gate_threshold_moves_exactly_the_rows_it_judges(world: World) -> None:
    words = " ".join(f"word{number}" for number in range(30))
    alike = [world.row("alpha", number) | {"say": f"{words} {number}", "score": 9} for number in (0, 2)]
    world.fill("alpha", [*alike, *(world.row("alpha", number) for number in range(3, 20))])
    world.configure("workers: 1\ngates: {near_duplicate_jaccard: 0.99}\n")
    world.run_all("before")
    world.configure("workers: 1\ngates: {near_duplicate_jaccard: 0.8}\n")
    report = world.run_all("after")
    assert report.prior_run_id == "before"
    still = {"evidence", "scored_runs", "screened_texts"}
    assert {drift.stage for drift in report.stages if not drift.tables} == still
    # With its better answer the pair goes too, and leaves the worse answer without a counterpart.
    assert moved(stage(report, "preference_corpus")) == {
        f"{DAYS[0]}.quarantine": (2, 0, 0),
        f"{DAYS[0]}.samples": (0, 1, 0),
    }
    release = stage(report, "corpus_release")
    assert (release.rows_added, release.rows_removed, release.rows_changed) == (5, 4, 0)
    assert {drift.stage for drift in report.stages if not drift.config_changed} == still
    for name in ("rag_corpus", "sft_corpus", "kto_corpus"):
        drift = stage(report, name)
        assert moved(drift) == {f"{DAYS[0]}.quarantine": (1, 0, 0), f"{DAYS[0]}.samples": (0, 1, 0)}
        assert metrics(report)[f"{name}.quarantined.near_duplicate"] == (0, 1)
    assert not report.deterministic_violation


def receipt(counts: Counts, partition: str = DAYS[0], **extra: Any) -> StageReceipt:
    """A receipt by hand, for the numbers."""
    empty = failed_receipt("sft_corpus", partition, "run", START, 0.1, "", "code")
    return replace(empty, counts=counts, passed=True, errors=(), content_hash="o", extra=extra)


def test_reasons_and_extra_numbers_are_metrics_of_their_stage() -> None:
    prior = [receipt(Counts(10, 8, 1, {}, {"secret_found": 1}), samples=8, similarity=0.5)]
    current = [
        receipt(Counts(10, 7, 1, {}, {"secret_found": 1, "near_duplicate": 1}), samples=7, similarity=0.25),
        receipt(Counts(), DAYS[1], samples=0, similarity=0.75),
    ]
    found = {m.name: (m.prior, m.current, m.change) for m in compare(prior, current, DriftSettings())}
    assert found["sft_corpus.rows_out"] == (8, 7, -0.125)
    assert found["sft_corpus.quarantined.near_duplicate"] == (0, 1, 1.0)
    assert found["sft_corpus.samples"] == (8, 7, -0.125)
    assert found["sft_corpus.similarity"] == (0.5, 0.5, 0.0)
    assert found["sft_corpus.distance.quarantined"] == (0, 0.5, 0.5)


def test_a_releases_thresholds_are_not_measured() -> None:
    release = replace(receipt(Counts(), gates={"near_duplicate_jaccard": 0.8}, days=7), stage="corpus_release")
    names = {metric.name for metric in baseline([release])}
    assert "corpus_release.days" in names
    assert not any("jaccard" in name for name in names)


@pytest.mark.parametrize(
    ("prior", "current", "expected"),
    [(0, 0, 0.0), (0, 3, 1.0), (4, 0, -1.0), (4, 5, 0.25), (4, 4, 0.0), (-4, -5, -0.25), (0, -2, -1.0)],
)
def test_change_is_a_fraction_of_the_prior_value(prior: float, current: float, expected: float) -> None:
    assert change(prior, current) == expected


SHARES = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 1_000))


@given(SHARES, SHARES)
def test_distance_is_symmetric_and_between_nothing_and_all(left: dict[str, float], right: dict[str, float]) -> None:
    assert 0 <= distance(left, right) <= 1 + 1e-12
    assert distance(left, right) == distance(right, left)
    assert distance(left, left) == 0
    assert distance(left, {name: 3 * count for name, count in left.items()}) < 1e-12


def test_distributions_with_nothing_in_common_are_one_apart() -> None:
    assert distance({"a": 5}, {"b": 9}) == 1
    assert distance({}, {"a": 1}) == distance({"a": 1}, {}) == 1
    assert distance({}, {}) == distance({"a": 0}, {}) == 0
