"""Assets of a user read gated datasets, and nothing that has not passed."""

from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from distill_platform.defs.io_managers import GATED_LAKE
from distill_platform.defs.partitions import DAILY, WHOLE_RANGE
from distill_platform.refinery.release import Release
from distill_platform_tests.defs.runs import Project
from distill_platform_tests.defs.test_assets import break_conservation
from distill_platform_tests.tiny_project import DAYS

SEEN: dict[str, Any] = {}


@dg.asset(partitions_def=DAILY, backfill_policy=WHOLE_RANGE)
def as_arrow(sft_corpus: pa.Table) -> None:
    SEEN["arrow"] = sft_corpus


@dg.asset(partitions_def=DAILY, backfill_policy=WHOLE_RANGE)
def as_pandas(scored_runs: pd.DataFrame) -> None:
    SEEN["pandas"] = scored_runs


@dg.asset(
    partitions_def=DAILY,
    backfill_policy=WHOLE_RANGE,
    ins={"dropped": dg.AssetIn("sft_corpus", metadata={"table": "quarantine", "columns": ["reason"]})},
)
def of_quarantine(dropped: pa.Table) -> None:
    SEEN["quarantine"] = dropped


@dg.asset(partitions_def=DAILY, backfill_policy=WHOLE_RANGE)
def of_release(corpus_release: Release) -> None:
    SEEN["release"] = corpus_release


@dg.asset(partitions_def=DAILY, backfill_policy=WHOLE_RANGE, io_manager_key=GATED_LAKE)
def intruder() -> int:
    return 1


def read(project: Project, asset: dg.AssetsDefinition, days: list[str] = DAYS) -> dg.ExecuteInProcessResult:
    """Run an asset of a user, added to the project's definitions, over a range of days."""
    job = dg.Definitions.merge(project.defs, dg.Definitions([asset])).resolve_implicit_global_asset_job_def()
    tags = {ASSET_PARTITION_RANGE_START_TAG: days[0], ASSET_PARTITION_RANGE_END_TAG: days[-1]}
    return job.execute_in_process(
        instance=project.instance, asset_selection=[asset.key], tags=tags, raise_on_error=False
    )


def test_a_range_of_days_is_one_table(project: Project) -> None:
    project.run()
    assert read(project, as_arrow).success
    assert sorted(SEEN["arrow"]["source_run_id"].to_pylist()) == ["good", "loud"]


def test_an_input_annotated_as_a_frame_is_a_frame(project: Project) -> None:
    project.run()
    assert read(project, as_pandas).success
    assert set(SEEN["pandas"]["category"]) >= {"accepted", "rejected"}


def test_another_table_and_fewer_columns_can_be_asked_for(project: Project) -> None:
    project.run()
    assert read(project, of_quarantine).success
    assert SEEN["quarantine"].column_names == ["reason"]
    assert "secret_found" in SEEN["quarantine"]["reason"].to_pylist()


def test_a_release_is_verified_before_it_is_handed_over(project: Project) -> None:
    project.run()
    assert read(project, of_release).success
    path = SEEN["release"].path("sft", "train")
    path.write_bytes(path.read_bytes() + b" ")
    assert not read(project, of_release).success


def test_a_day_that_has_not_passed_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    break_conservation(monkeypatch, "scored_runs", DAYS[0])
    project.run()
    result = read(project, as_pandas)
    assert not result.success
    assert "has not passed its gates" in str(result.all_events)


def test_nothing_but_a_stage_writes_to_the_lake(project: Project) -> None:
    result = read(project, intruder, DAYS[:1])
    assert not result.success
    assert "only stages write to the lake" in str(result.all_events)
