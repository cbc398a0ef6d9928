"""How tests run the graph: in this process, over a tiny project, with Dagster's own storage in memory."""

from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from distill_platform.defs.assembly import build_defs
from distill_platform.defs.resources import EvaluationResource, RefineryResource
from distill_platform.evaluation.pipeline import STAGES as EVALUATING
from distill_platform.store.lake import Lake
from distill_platform_tests.evaluation.lab import Lab
from distill_platform_tests.tiny_project import DAYS, tiny_project

STAGES = [
    "evidence", "scored_runs", "screened_texts", "rag_corpus", "sft_corpus", "preference_corpus", "kto_corpus",
    "corpus_release", "drift_report",
]  # fmt: skip
EVALUATION_STAGES = [stage.name for stage in EVALUATING]
STEPS = ["evidence", "scored_runs", "screened_texts", "corpora", "corpus_release", "drift_report"]


def asked_for(
    schedule: dg.ScheduleDefinition, defs: dg.Definitions, resources: dict[str, Any], at: datetime
) -> list[str | None]:
    """Return the partitions that a schedule asks for at a moment, evaluated as the daemon does it."""
    with dg.build_schedule_context(
        resources=resources, scheduled_execution_time=at, repository_def=defs.get_repository_def()
    ) as context:
        return [request.partition_key for request in schedule.evaluate_tick(context).run_requests or []]


class Project:
    """A tiny project, its definitions, and an instance that forgets everything afterwards."""

    job = "refinery_job"

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.folder = tiny_project(folder)
        self.instance = instance
        self.resource = RefineryResource(config_file=str(folder / "config/platform.yaml"))
        self.evaluation = EvaluationResource(config_file=str(folder / "config/platform.yaml"))
        self.defs = build_defs({"refinery": self.resource, "evaluation": self.evaluation})
        self.lake = Lake(folder / "data/lake")

    def run(self, days: list[str] = DAYS, select: list[str] | None = None, **extra: Any) -> dg.ExecuteInProcessResult:
        """Run some assets over a day, or over a range of days in one run."""
        job = self.defs.resolve_job_def(self.job)
        tags = {ASSET_PARTITION_RANGE_START_TAG: days[0], ASSET_PARTITION_RANGE_END_TAG: days[-1]}
        return job.execute_in_process(
            instance=self.instance,
            raise_on_error=False,
            asset_selection=[dg.AssetKey(name) for name in select] if select else None,
            **({"partition_key": days[0]} if len(days) == 1 else {"tags": tags}),
            **extra,
        )

    def check_status(self, asset: str, check: str, day: str | None) -> str | None:
        """The status of a check's latest execution for a day; None for the check over a whole run."""
        key = dg.AssetCheckKey(dg.AssetKey(asset), check)
        infos = self.instance.event_log_storage.get_asset_check_partition_info([key])
        found = [info for info in infos if info.partition_key == day]
        return found[0].latest_execution_status.value if found and found[0].is_current else None


class EvaluationProject(Project):
    """A project whose runs are judged."""

    job = "evaluation_job"

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        super().__init__(folder, instance)
        self.lab = Lab(folder)


def states(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What became of each step of a run: succeeded, failed or skipped."""
    names = {"STEP_SUCCESS": "succeeded", "STEP_FAILURE": "failed", "STEP_SKIPPED": "skipped"}
    events = [event for event in result.all_events if event.event_type_value in names]
    return {event.step_key: names[event.event_type_value] for event in events if event.step_key}


def failure_of(result: dg.ExecuteInProcessResult, step: str) -> tuple[str, dict[str, Any]]:
    """The text and the metadata of the failure that a step raised."""
    event = next(e for e in result.get_step_failure_events() if e.step_key == step)
    data = event.step_failure_data
    metadata = data.user_failure_data.metadata if data.user_failure_data is not None else {}
    return str(data.error), {name: value.value for name, value in metadata.items()}
