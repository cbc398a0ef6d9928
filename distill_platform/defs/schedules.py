"""Schedules: what runs because of the time of day."""

from datetime import UTC, timedelta

import dagster as dg

from distill_platform.defs.jobs import refinery_job
from distill_platform.defs.resources import RefineryResource


@dg.schedule(
    job=refinery_job,
    cron_schedule="15 0 * * *",
    execution_timezone="UTC",
    description="The day that has just ended, a quarter of an hour after midnight.",
)
def refinery_daily(context: dg.ScheduleEvaluationContext, refinery: RefineryResource) -> dg.RunRequest:
    """Build the day that has just ended; a configuration that cannot be accepted fails here and starts no run."""
    refinery.settings()
    yesterday = context.scheduled_execution_time.astimezone(UTC).date() - timedelta(days=1)
    return dg.RunRequest(run_key=yesterday.isoformat(), partition_key=yesterday.isoformat())
