"""Schedules: what runs because of the time of day."""

from datetime import UTC, timedelta

import dagster as dg

from distill_platform.defs.jobs import evaluation_job, refinery_job
from distill_platform.defs.resources import EvaluationResource, RefineryResource


@dg.schedule(
    job=refinery_job,
    cron_schedule="15 0 * * *",
    execution_timezone="UTC",
    description="The day that has just ended, a quarter of an hour after midnight.",
)
def refinery_daily(context: dg.ScheduleEvaluationContext, refinery: RefineryResource) -> dg.RunRequest:
    """Build the day that has just ended; a configuration that cannot be accepted fails here and starts no run."""
    refinery.settings()
    return _day_that_has_ended(context)


@dg.schedule(
    job=evaluation_job,
    cron_schedule="30 0 * * *",
    execution_timezone="UTC",
    description="The bundles that arrived on the day that has just ended, half an hour after midnight.",
)
def evaluation_daily(context: dg.ScheduleEvaluationContext, evaluation: EvaluationResource) -> dg.RunRequest:
    """Judge the day that has just ended once more, with every trial that came after; the sensor judges as they come."""
    evaluation.settings()
    return _day_that_has_ended(context)


def _day_that_has_ended(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    yesterday = (context.scheduled_execution_time.astimezone(UTC).date() - timedelta(days=1)).isoformat()
    return dg.RunRequest(run_key=yesterday, partition_key=yesterday)
