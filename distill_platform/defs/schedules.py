"""Schedules: what runs because of the time of day."""

from collections.abc import Callable
from datetime import UTC, date, timedelta
from typing import Any

import dagster as dg

from distill_platform.defs.jobs import evaluation_job, feeds_job, models_job, promotion_job, refinery_job, serving_job


def _day_that_has_ended(today: date) -> str:
    return (today - timedelta(days=1)).isoformat()


def _week_that_has_ended(today: date) -> str:
    return (today - timedelta(days=today.weekday() + 7)).isoformat()


def _schedule(
    job: Any,
    name: str,
    cron: str,
    description: str,
    *,
    resource: str,
    partition: Callable[[date], str] = _day_that_has_ended,
) -> dg.ScheduleDefinition:
    """Return a schedule of the partition that has just ended.

    A configuration that its resource cannot accept fails the tick and starts no run. `job` is an asset job, whose class
    Dagster does not export.
    """

    @dg.schedule(
        job=job,
        name=name,
        cron_schedule=cron,
        execution_timezone="UTC",
        description=description,
        required_resource_keys={resource},
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        getattr(context.resources, resource).settings()
        ended = partition(context.scheduled_execution_time.astimezone(UTC).date())
        return dg.RunRequest(run_key=ended, partition_key=ended)

    return tick


feeds_daily = _schedule(
    feeds_job,
    "feeds_daily",
    "10 0 * * *",
    "Bars, reports, events and features of the day that has just ended, ten minutes after midnight.",
    resource="feeds",
)

refinery_daily = _schedule(
    refinery_job,
    "refinery_daily",
    "15 0 * * *",
    "The day that has just ended, a quarter of an hour after midnight.",
    resource="refinery",
)

evaluation_daily = _schedule(
    evaluation_job,
    "evaluation_daily",
    "30 0 * * *",
    "The bundles of the day that has just ended, half an hour after midnight, with every trial that came after them.",
    resource="evaluation",
)

serving_daily = _schedule(
    serving_job,
    "serving_daily",
    "40 0 * * *",
    "Predictions and rollout of the day that has just ended; steps up wait for a person, the way back does not.",
    resource="models",
)

models_weekly = _schedule(
    models_job,
    "models_weekly",
    "0 1 * * 1",
    "Models of the week that has just ended, on Mondays an hour after midnight; their runs are judged as they arrive.",
    resource="models",
    partition=_week_that_has_ended,
)

promotion_weekly = _schedule(
    promotion_job,
    "promotion_weekly",
    "0 6 * * 1",
    "Who has earned to be tried, on Mondays at six, when the runs of the week have been judged; it waits for a person.",
    resource="models",
    partition=_week_that_has_ended,
)
