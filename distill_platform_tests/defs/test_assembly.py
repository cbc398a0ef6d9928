"""The code location: what stands in it, and how every asset is described."""

import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from distill_platform.defs.assembly import build_defs
from distill_platform.defs.column_schemas import TABLES
from distill_platform.defs.jobs import EVALUATION_GROUPS, FEED_GROUPS, GROUPS, MODEL_GROUPS, SERVING_GROUPS
from distill_platform.defs.resources import RefineryResource
from distill_platform.evaluation.pipeline import STAGES as EVALUATING
from distill_platform.feeds.pipeline import STAGES as FEEDING
from distill_platform.models.pipeline import PIPELINE as MODELLING, PROMOTION, TRAINING
from distill_platform.refinery.pipeline import STAGES as REFINING
from distill_platform_tests.defs.runs import STAGES, Project

ROOT = Path(__file__).parents[2]
PIPELINE = (*REFINING, *EVALUATING, *FEEDING, *MODELLING.stages)
EVERY = [*STAGES, *(stage.name for stage in (*EVALUATING, *FEEDING, *MODELLING.stages))]
WEEKLY = {stage.name for stage in (*TRAINING, *PROMOTION)}
GROUPED = {"traces", "features", *GROUPS, *EVALUATION_GROUPS, *FEED_GROUPS, *MODEL_GROUPS, *SERVING_GROUPS}
HEAVY = ("torch", "lightgbm", "optuna", "sklearn", "cryptography", "httpx", "safetensors", "matplotlib")


@pytest.fixture(scope="module")
def graph() -> AssetGraph:
    resource = RefineryResource(config_file=str(ROOT / "config/platform.yaml"))
    return build_defs({"refinery": resource}).resolve_asset_graph()


def test_every_stage_and_every_declared_stream_is_an_asset(graph: AssetGraph) -> None:
    made = {key.to_user_string() for key in graph.materializable_asset_keys}
    streams = {f"traces/{path.stem}" for path in (ROOT / "config/sources").glob("*.yaml")}
    assert made == {*EVERY}
    assert {stage.name for stage in PIPELINE} <= made
    assert {key.to_user_string() for key in graph.external_asset_keys} == streams


def test_every_asset_has_a_group_a_description_and_kinds(graph: AssetGraph) -> None:
    for node in graph.asset_nodes:
        assert node.group_name in GROUPED, node.key
        assert node.description, node.key
        assert node.kinds, node.key


def test_what_a_team_owns_is_what_its_room_makes_so_that_all_of_it_can_be_materialized(graph: AssetGraph) -> None:
    rooms = {"refinery": STAGES, "evaluation": EVALUATING, "feeds": FEEDING, "models": MODELLING.stages}
    for team, stages in rooms.items():
        owned = dg.AssetSelection.from_string(f'owner:"team:{team}"').resolve(graph)
        assert {key.to_user_string() for key in owned} == {str(getattr(stage, "name", stage)) for stage in stages}


def test_the_graph_has_the_pipeline_s_edges_and_begins_with_the_streams(graph: AssetGraph) -> None:
    for stage in PIPELINE:
        parents = {key.to_user_string() for key in graph.get(dg.AssetKey(stage.name)).parent_keys}
        streams = {key.to_user_string() for key in graph.external_asset_keys} if stage.name == "evidence" else set()
        assert parents == {*stage.upstream} | streams


def test_every_table_shows_its_columns_with_descriptions(graph: AssetGraph) -> None:
    for dataset, tables in TABLES.items():
        metadata = graph.get(dg.AssetKey(dataset)).metadata
        for number, (name, schema) in enumerate(tables.items()):
            columns = metadata[f"{name}_columns" if number else "dagster/column_schema"].columns
            assert [column.name for column in columns] == schema.names
            assert all(column.description for column in columns if column.name != "provenance")


def test_every_asset_takes_a_range_of_days_or_weeks_in_one_run(graph: AssetGraph) -> None:
    for name in EVERY:
        node = graph.get(dg.AssetKey(name))
        assert node.backfill_policy == dg.BackfillPolicy.single_run()
        cut = dg.WeeklyPartitionsDefinition if name in WEEKLY else dg.DailyPartitionsDefinition
        assert isinstance(node.partitions_def, cut), name
        assert node.partitions_def.timezone == "UTC"


def test_weeks_are_named_by_their_mondays(graph: AssetGraph) -> None:
    cut = graph.get(dg.AssetKey("training_frame")).partitions_def
    assert cut is not None
    assert {date.fromisoformat(week).weekday() for week in cut.get_partition_keys()} == {0}


def test_every_law_is_a_blocking_check(graph: AssetGraph) -> None:
    advisory = {key.name for key in graph.asset_check_keys if not graph.get(key).blocking}
    judging = {"no_drift", "nothing_refused", "nothing_broken", "no_gaming"}
    assert advisory == judging | {"sources_whole", "slo_success", "slo_lag", "knows_no_future", "no_rollback"}
    for stage in PIPELINE:
        names = {key.name for key in graph.asset_check_keys if key.asset_key == dg.AssetKey(stage.name)}
        assert {"conservation", "schema", "determinism", "provenance"} <= names, stage.name


def test_the_checks_that_are_declared_are_those_that_the_stages_make(project: Project) -> None:
    from distill_platform.defs.checks import _law_of

    project.run()
    for stage in REFINING:
        partition = project.lake.partitions(stage.name)[0]
        manifest = project.lake.manifest(stage.name, partition)
        assert manifest is not None
        keys = project.defs.resolve_asset_graph().asset_check_keys
        declared = {key.name for key in keys if key.asset_key == dg.AssetKey(stage.name)}
        assert {_law_of(check) for check in manifest.checks} == declared, stage.name


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("platform.yaml", "workerz: 1\n", ["platform.yaml:1", "workerz", "workers"]),
        ("sources/answers.yaml", "stream: answers\n", ["answers.yaml"]),
    ],
)
def test_a_wrong_configuration_is_a_load_error_that_names_the_place(
    project: Project, name: str, text: str, words: list[str]
) -> None:
    (project.folder / "config" / name).write_text(text)
    with pytest.raises(dg.DagsterInvalidDefinitionError) as refused:
        build_defs({"refinery": project.resource})
    for word in words:
        assert word in str(refused.value)


def test_a_missing_configuration_says_where_to_start(tmp_path: Path) -> None:
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="Start Dagster from the folder"):
        build_defs({"refinery": RefineryResource(config_file=str(tmp_path / "platform.yaml"))})


def test_the_definitions_load_through_the_command_line_without_a_warning(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    started = time.monotonic()
    dagster = [sys.executable, "-W", "ignore", "-m", "dagster"]
    command = [*dagster, "definitions", "validate", "-m", "distill_platform.definitions"]
    env = {"PATH": "/usr/bin:/bin", "DAGSTER_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert time.monotonic() - started < 30
    quiet = [sys.executable, "-W", "error", "-c", "import distill_platform.definitions"]
    assert subprocess.run(quiet, cwd=ROOT, env=env, check=False).returncode == 0


def test_the_definitions_load_without_a_library_that_only_a_stage_needs() -> None:
    said = f"import sys, distill_platform.definitions; print([name for name in {HEAVY} if name in sys.modules])"
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", said], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
