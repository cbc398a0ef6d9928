"""Schedules: what runs because of the time of day."""

from datetime import UTC, timedelta

import dagster as dg

from distill_platform.defs.jobs import evaluation_job, feeds_job, models_job, promotion_job, refinery_job, serving_job
from distill_platform.defs.resources import EvaluationResource, FeedsResource, ModelsResource, RefineryResource


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


@dg.schedule(
    job=feeds_job,
    cron_schedule="10 0 * * *",
    execution_timezone="UTC",
    description="Bars, reports, events and features of the day that has just ended, ten minutes after midnight.",
)
def feeds_daily(context: dg.ScheduleEvaluationContext, feeds: FeedsResource) -> dg.RunRequest:
    """Collect the day that has just ended; a configuration that cannot be accepted fails here and starts no run."""
    feeds.settings()
    return _day_that_has_ended(context)


@dg.schedule(
    job=models_job,
    cron_schedule="0 1 * * 1",
    execution_timezone="UTC",
    description="Models of the week that has just ended, on Mondays an hour after midnight.",
)
def models_weekly(context: dg.ScheduleEvaluationContext, models: ModelsResource) -> dg.RunRequest:
    """Train and search on what was known when the week ended; their runs are judged as they arrive."""
    models.settings()
    return _week_that_has_ended(context)


@dg.schedule(
    job=promotion_job,
    cron_schedule="0 6 * * 1",
    execution_timezone="UTC",
    description="Who has earned to be tried, on Mondays at six, when the runs of the week have been judged.",
)
def promotion_weekly(context: dg.ScheduleEvaluationContext, models: ModelsResource) -> dg.RunRequest:
    """Decide on the week's candidates; what is recommended waits for a person."""
    models.settings()
    return _week_that_has_ended(context)


@dg.schedule(
    job=serving_job,
    cron_schedule="40 0 * * *",
    execution_timezone="UTC",
    description="Predictions and rollout of the day that has just ended, forty minutes after midnight.",
)
def serving_daily(context: dg.ScheduleEvaluationContext, models: ModelsResource) -> dg.RunRequest:
    """Look at how the models did on the day that has just ended; steps up wait for a person, the way back does not."""
    models.settings()
    return _day_that_has_ended(context)


def _week_that_has_ended(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    today = context.scheduled_execution_time.astimezone(UTC).date()
    week = (today - timedelta(days=today.weekday() + 7)).isoformat()
    return dg.RunRequest(run_key=week, partition_key=week)


def _day_that_has_ended(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    yesterday = (context.scheduled_execution_time.astimezone(UTC).date() - timedelta(days=1)).isoformat()
    return dg.RunRequest(run_key=yesterday, partition_key=yesterday)
