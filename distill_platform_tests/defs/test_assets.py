"""The assets do what the pipeline does, show it, and stop where a law is broken."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from distill_platform.core.errors import GateRefused
from distill_platform.refinery import stage
from distill_platform.refinery.stage import Refinery
from distill_platform.store.lake import Check, Draft, Manifest
from distill_platform.store.stages import Pipeline
from distill_platform_tests.defs.runs import STAGES, STEPS, Project, failure_of, states
from distill_platform_tests.tiny_project import DAYS

REFINED = {dg.AssetKey(name) for name in STAGES}
EVERY = dict.fromkeys(STEPS, "succeeded")


def break_conservation(monkeypatch: pytest.MonkeyPatch, dataset: str, partition: str) -> None:
    """Let one partition of a dataset be published with a broken law."""
    publish = Draft.publish

    def broken(draft: Draft, *, checks: Sequence[Check], **about: Any) -> Manifest:
        if (draft.dataset, draft.partition) == (dataset, partition):
            checks = [replace(c, passed=False, observed=1.0) if c.name == "conservation" else c for c in checks]
        return publish(draft, checks=checks, **about)

    monkeypatch.setattr(Draft, "publish", broken)


@pytest.mark.parametrize("days", [DAYS[:1], DAYS])
def test_all_assets_succeed_over_a_day_and_over_a_range(project: Project, days: list[str]) -> None:
    result = project.run(days)
    assert states(result) == EVERY
    for name in STAGES:
        assert project.instance.get_materialized_partitions(dg.AssetKey(name)) == {*days}
    assert len(project.lake.partitions("corpus_release")) == 1


def test_every_partition_shows_its_own_numbers(project: Project) -> None:
    result = project.run()
    for day in DAYS:
        manifest = project.lake.manifest("evidence", day)
        assert manifest is not None
        found = [shown for shown in result.asset_materializations_for_node("evidence") if shown.partition == day]
        (shown,) = [materialization.metadata for materialization in found]
        assert shown["rows_in"].value == manifest.counts.rows_in
        assert shown["dagster/row_count"].value == manifest.tables["records"].rows
        assert shown["rows_deduplicated"].value == manifest.counts.deduplicated


def test_undated_rows_are_shown_with_the_run_of_the_evidence(project: Project) -> None:
    result = project.run(DAYS[:1])
    (shown,) = [found.metadata for found in result.asset_materializations_for_node("evidence")]
    assert shown["undated_rows"].value == 1
    assert "malformed_json" in str(shown["undated_reasons"].value)


def test_dropped_rows_are_a_table_of_reasons(project: Project) -> None:
    result = project.run(DAYS[:1])
    found = result.asset_materializations_for_node("corpora")
    (shown,) = [one.metadata for one in found if one.asset_key == dg.AssetKey("sft_corpus")]
    assert "| quarantined | secret_found | 1 |" in str(shown["reasons"].value)


def test_the_run_s_receipts_carry_dagster_s_run_id(project: Project) -> None:
    result = project.run()
    folder = project.lake.root / "runs" / result.run_id
    assert (folder / "drift.json").exists()
    assert (folder / "summary.json").exists()


def test_checks_hold_per_day_and_over_the_run(project: Project) -> None:
    project.run()
    refined = [key for key in project.defs.resolve_asset_graph().asset_check_keys if key.asset_key in REFINED]
    for key in refined:
        for day in (*DAYS, None):
            assert project.check_status(key.asset_key.to_user_string(), key.name, day) == "SUCCEEDED", (key, day)


def test_in_a_range_with_one_bad_day_every_day_has_its_own_status(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_conservation(monkeypatch, "scored_runs", DAYS[0])
    result = project.run()
    found = states(result)
    assert found["scored_runs"] == "failed"
    assert found["screened_texts"] == "succeeded"
    assert {found.get(name, "skipped") for name in STEPS[3:]} == {"skipped"}
    assert project.check_status("scored_runs", "conservation", DAYS[0]) == "FAILED"
    assert project.check_status("scored_runs", "conservation", DAYS[1]) == "SUCCEEDED"
    assert project.check_status("scored_runs", "conservation", None) == "FAILED"
    assert {project.check_status("scored_runs", "schema", day) for day in (*DAYS, None)} == {"SUCCEEDED"}


def test_a_bad_day_is_forgotten_when_it_was_made_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        break_conservation(patched, "scored_runs", DAYS[0])
        project.run()
    assert states(project.run(DAYS[:1])) == EVERY
    assert project.check_status("scored_runs", "conservation", DAYS[0]) == "SUCCEEDED"


def test_broken_undated_rows_stop_the_graph(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    break_conservation(monkeypatch, "evidence", "undated")
    for days in (DAYS[:1], DAYS):
        found = states(project.run(days))
        assert found.pop("evidence") == "failed"
        assert {*found.values()} <= {"skipped"}


def test_selecting_only_what_comes_after_a_failed_stage_is_refused_by_the_lake(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_conservation(monkeypatch, "scored_runs", DAYS[0])
    project.run(DAYS[:1])
    result = project.run(DAYS[:1], select=["sft_corpus"])
    text, metadata = failure_of(result, "corpora")
    assert states(result) == {"corpora": "failed"}
    assert "has not passed its gates" in text
    assert metadata["what"].startswith("GateRefused")
    assert metadata["where"] == f"sft_corpus, {DAYS[0]}"
    assert metadata["what to do"]


def test_one_corpus_may_be_made_without_the_others(project: Project) -> None:
    project.run(DAYS[:1], select=[*STAGES[:3], "sft_corpus"])
    assert project.check_status("sft_corpus", "firewall", DAYS[0]) == "SUCCEEDED"
    assert project.lake.partitions("sft_corpus") == DAYS[:1]
    assert project.lake.partitions("rag_corpus") == []
    assert not project.instance.get_materialized_partitions(dg.AssetKey("rag_corpus"))


def test_one_corpus_that_does_not_pass_stops_the_release_but_not_the_other_corpora(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_conservation(monkeypatch, "kto_corpus", DAYS[0])
    found = states(project.run(DAYS))
    assert found["corpora"] == "failed"
    assert found.get("corpus_release", "skipped") == "skipped"
    assert project.check_status("kto_corpus", "conservation", DAYS[0]) == "FAILED"
    assert project.check_status("kto_corpus", "conservation", DAYS[1]) == "SUCCEEDED"
    for corpus in ("rag_corpus", "sft_corpus", "preference_corpus"):
        assert project.lake.open(corpus, DAYS[0])
        assert project.check_status(corpus, "conservation", None) == "SUCCEEDED", corpus
    with pytest.raises(GateRefused):
        project.lake.open("kto_corpus", DAYS[0])


def test_a_corpus_may_be_made_with_some_of_its_checks(project: Project) -> None:
    project.run(DAYS[:1])
    firewall = dg.AssetCheckKey(dg.AssetKey("sft_corpus"), "firewall")
    chosen = dg.AssetSelection.assets("sft_corpus").without_checks() | dg.AssetSelection.checks(firewall)
    defs = dg.Definitions(
        assets=project.defs.assets,
        jobs=[dg.define_asset_job("one_check", selection=chosen)],
        resources=project.defs.resources,
        executor=dg.in_process_executor,
    )
    result = defs.resolve_job_def("one_check").execute_in_process(instance=project.instance, partition_key=DAYS[0])
    assert [found.check_name for found in result.get_asset_check_evaluations()] == ["firewall"]


def test_a_permanent_error_is_not_retried(project: Project) -> None:
    result = project.run(DAYS[:1], select=["rag_corpus"], tags={"dagster/max_retries": "3"})
    (event,) = result.get_step_failure_events()
    assert event.step_failure_data.user_failure_data is not None
    assert "was never published" in event.step_failure_data.user_failure_data.description
    assert "STEP_UP_FOR_RETRY" not in {found.event_type_value for found in result.all_events}


def test_a_link_that_leaves_the_source_folder_fails_the_evidence_clearly(project: Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.jsonl").write_text("{}\n")
    (project.folder / "data/sources/answers-more.jsonl").symlink_to(tmp_path / "elsewhere.jsonl")
    text, metadata = failure_of(project.run(DAYS[:1]), "evidence")
    assert "leaves the source folder" in text
    assert metadata["what to do"].startswith("Copy the file into")


def test_drift_is_told_but_stops_nothing(project: Project) -> None:
    project.run()
    project.run()
    assert project.check_status("drift_report", "no_drift", DAYS[0]) == "SUCCEEDED"
    config = project.folder / "config/sources/answers.yaml"
    config.write_text(config.read_text().replace(">= 5", ">= 50"))
    result = project.run()
    assert states(result) == EVERY
    assert project.check_status("drift_report", "no_drift", DAYS[0]) == "FAILED"
    assert project.check_status("drift_report", "deterministic", DAYS[0]) == "SUCCEEDED"


def test_run_config_gives_another_lake_and_number_of_workers(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    run_step = Pipeline.run_step

    def spying(pipeline: Pipeline[Refinery], refinery: Refinery, *given: object) -> object:
        seen.append(refinery.workers.count)
        return run_step(pipeline, refinery, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Pipeline, "run_step", spying)
    monkeypatch.setattr(stage, "SMALL_BYTES", -1)
    other = {"config_file": project.resource.config_file, "lake": str(tmp_path / "other"), "workers": 3}
    project.run(DAYS[:1], select=["evidence"], run_config={"resources": {"refinery": {"config": other}}})
    assert (tmp_path / "other/evidence" / DAYS[0] / "MANIFEST.json").exists()
    assert not project.lake.root.exists()
    assert seen == [3]
