"""Feeds and models through Dagster: days and weeks materialize, show their checks, and are asked for when they wait."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from distill_platform.core.errors import ConfigError
from distill_platform.defs.assembly import build_defs
from distill_platform.defs.resources import EvaluationResource, FeedsResource, ModelsResource, RefineryResource
from distill_platform.defs.schedules import feeds_daily, models_weekly, promotion_weekly
from distill_platform.defs.sensors import new_bars
from distill_platform.models.pipeline import TRAINING
from distill_platform_tests.defs.runs import asked_for, failure_of, states
from distill_platform_tests.small_market import FULL, WEEK, SmallMarket

ROOT = Path(__file__).parents[2]
DAYS = FULL[4:7]
DAILY = ["market_bars", "raw_events", "source_health", "events", "features"]
LAWS = {"conservation", "schema", "determinism", "provenance"}


class Desk:
    """A small market, its definitions, and an instance that forgets everything afterwards."""

    def __init__(self, market: SmallMarket, instance: dg.DagsterInstance) -> None:
        self.market = market
        self.instance = instance
        file = str(market.config)
        self.feeds, self.models = FeedsResource(config_file=file), ModelsResource(config_file=file)
        rest = {"refinery": RefineryResource(config_file=file), "evaluation": EvaluationResource(config_file=file)}
        self.defs = build_defs({"feeds": self.feeds, "models": self.models, **rest})

    def run(self, job: str, *keys: str, select: list[str] | None = None) -> dg.ExecuteInProcessResult:
        """Run a job over a partition, or over a range of them."""
        tags = {ASSET_PARTITION_RANGE_START_TAG: keys[0], ASSET_PARTITION_RANGE_END_TAG: keys[-1]}
        return self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            raise_on_error=False,
            asset_selection=[dg.AssetKey(name) for name in select] if select else None,
            **({"partition_key": keys[0]} if len(keys) == 1 else {"tags": tags}),
        )

    def statuses(self, asset: str, key: str | None) -> dict[str, str]:
        """What the latest execution of each check of an asset says of a partition."""
        keys = [one for one in self.defs.resolve_asset_graph().asset_check_keys if one.asset_key == dg.AssetKey(asset)]
        found = self.instance.event_log_storage.get_asset_check_partition_info(keys)
        return {info.check_key.name: info.latest_execution_status.value for info in found if info.partition_key == key}

    def sensed(self, cursor: str | None) -> dg.SensorResult:
        """What the sensor of new bars says."""
        resources = {"models": self.models}
        with dg.build_sensor_context(instance=self.instance, cursor=cursor, resources=resources) as context:
            result = new_bars(context)
        assert isinstance(result, dg.SensorResult)
        return result


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def desk(tmp_path: Path, instance: dg.DagsterInstance) -> Desk:
    return Desk(SmallMarket.written(tmp_path / "market"), instance)


def test_a_range_of_days_is_collected_and_featured_in_one_run(desk: Desk) -> None:
    result = desk.run("feeds_job", *DAYS)
    assert set(states(result).values()) == {"succeeded"}
    for name in DAILY:
        assert desk.instance.get_materialized_partitions(dg.AssetKey(name)) == {*DAYS}
        for key in (*DAYS, None):
            found = desk.statuses(name, key)
            assert found.keys() >= LAWS, (name, key)
            assert {found[law] for law in LAWS} == {"SUCCEEDED"}, (name, key)
    assert desk.statuses("features", DAYS[0])["online_equals_offline"] == "SUCCEEDED"
    assert len(desk.market.rows("features", "small", DAYS[0])) == 48


def test_a_feed_that_fails_warns_and_stops_nothing(desk: Desk) -> None:
    (desk.market.folder / "data/sources/market/sample_headlines.csv").unlink()
    result = desk.run("feeds_job", DAYS[0])
    assert set(states(result).values()) == {"succeeded"}
    assert desk.statuses("raw_events", DAYS[0])["sources_whole"] == "FAILED"
    assert desk.statuses("market_bars", DAYS[0])["sources_whole"] == "SUCCEEDED"


def test_events_of_days_that_nobody_collected_fail_and_say_what_to_do(desk: Desk) -> None:
    result = desk.run("feeds_job", DAYS[0], select=["events"])
    _, metadata = failure_of(result, "events")
    assert metadata["what"].startswith("MissingDataset")
    assert metadata["where"] == f"events, {DAYS[0]}"
    assert "Materialize raw_events" in metadata["what to do"]


@pytest.mark.parametrize(
    ("schedule", "resource", "at", "partition"),
    [
        (feeds_daily, "feeds", datetime(2025, 5, 6, 0, 10, tzinfo=UTC), "2025-05-05"),
        (models_weekly, "models", datetime(2025, 5, 12, 1, tzinfo=UTC), "2025-05-05"),
        (promotion_weekly, "models", datetime(2025, 5, 12, 6, tzinfo=UTC), "2025-05-05"),
        (models_weekly, "models", datetime(2025, 5, 18, 23, tzinfo=UTC), "2025-05-05"),  # late by six days
    ],
)
def test_schedules_ask_for_what_has_just_ended(
    desk: Desk, schedule: dg.ScheduleDefinition, resource: str, at: datetime, partition: str
) -> None:
    assert asked_for(schedule, desk.defs, {resource: getattr(desk, resource)}, at) == [partition]


def test_a_configuration_that_cannot_be_accepted_starts_no_run(desk: Desk) -> None:
    desk.market.write("platform.yaml", "paths: {modls: here}\n")
    at = datetime(2025, 5, 12, 1, tzinfo=UTC)
    with pytest.raises(dg.DagsterError) as failed:
        asked_for(models_weekly, desk.defs, {"models": desk.models}, at)
    assert isinstance(failed.value.__cause__, ConfigError)
    with pytest.raises(ConfigError, match="models"):
        desk.sensed(None)


def test_a_week_without_features_is_not_asked_for(desk: Desk) -> None:
    result = desk.sensed(None)
    assert not result.run_requests
    assert result.skip_reason is not None
    assert result.skip_reason.skip_message == "no week is new"


@pytest.mark.slow
def test_a_new_week_is_asked_for_once_and_again_when_its_features_change(
    market: SmallMarket, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Then(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.fromisoformat(WEEK).replace(tzinfo=UTC) + timedelta(days=8)

    monkeypatch.setattr("distill_platform.defs.sensors.datetime", Then)
    desk = Desk(market, instance)
    assert not desk.sensed(None).run_requests  # it was trained on these features
    shutil.rmtree(market.lake.root / "training_frame")
    first = desk.sensed(None)
    assert [request.partition_key for request in first.run_requests or []] == [WEEK]
    assert not desk.sensed(first.cursor).run_requests
    day = market.manifest("features", FULL[20])
    told = market.folder / "data/sources/market/sample_headlines.csv"
    told.write_text(
        told.read_text() + f'"{FULL[20]} 10:00:00Z","late.example","Aldera surges","https://late.example/1"\n'
    )
    assert set(states(desk.run("feeds_job", *FULL[20:23])).values()) == {"succeeded"}
    assert market.manifest("features", FULL[20]).version != day.version
    second = desk.sensed(first.cursor)
    assert [request.partition_key for request in second.run_requests or []] == [WEEK]


@pytest.mark.slow
def test_a_week_that_was_trained_materializes_again_as_it_was(
    market: SmallMarket, instance: dg.DagsterInstance
) -> None:
    before = {stage.name: market.manifest(stage.name, WEEK).version for stage in TRAINING}
    desk = Desk(market, instance)
    assert set(states(desk.run("models_job", WEEK)).values()) == {"succeeded"}
    assert {stage.name: market.manifest(stage.name, WEEK).version for stage in TRAINING} == before
    for stage in TRAINING:
        found = desk.statuses(stage.name, WEEK)
        assert {found[law] for law in LAWS} == {"SUCCEEDED"}, stage.name
    assert desk.statuses("training_frame", WEEK)["knows_no_future"] == "FAILED"  # of the line that suspects everything


@pytest.mark.slow
def test_a_week_is_decided_on_from_the_command_line(market: SmallMarket, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "asset", "materialize"]
    command += ["-m", "distill_platform.definitions", "--select", "promotion_report", "--partition", WEEK]
    ended = subprocess.run(command, cwd=market.folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert market.rows("promotion_report", "decisions")
