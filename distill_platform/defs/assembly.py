"""Assembly: everything in this folder as one Dagster code location."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from distill_platform.core.errors import DistillError
from distill_platform.defs.assets.corpora import corpora
from distill_platform.defs.assets.corpus_release import corpus_release
from distill_platform.defs.assets.drift_report import drift_report
from distill_platform.defs.assets.evaluation import cohorts, evaluation_reports, measured, run_bundles, verdicts
from distill_platform.defs.assets.evidence import evidence_asset
from distill_platform.defs.assets.feeds import collected, events, source_health
from distill_platform.defs.assets.models import (
    ensemble,
    features,
    frozen_baseline,
    hpo_confirmation,
    hpo_refinement,
    hpo_search,
    model_runs,
    promotion_report,
    serving,
    tabular_teacher,
    training_frame,
    tsmixer_student,
)
from distill_platform.defs.assets.scored_runs import scored_runs
from distill_platform.defs.assets.screened_texts import screened_texts
from distill_platform.defs.assets.traces import trace_assets
from distill_platform.defs.io_managers import GATED_LAKE, gated_lake
from distill_platform.defs.jobs import evaluation_job, feeds_job, models_job, promotion_job, refinery_job, serving_job
from distill_platform.defs.resources import EvaluationResource, FeedsResource, ModelsResource, RefineryResource
from distill_platform.defs.schedules import (
    evaluation_daily,
    feeds_daily,
    models_weekly,
    promotion_weekly,
    refinery_daily,
    serving_daily,
)
from distill_platform.defs.sensors import arrived_bundles, changed_sources, new_bars
from distill_platform.refinery.streams import Stream


def build_defs(overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Return all definitions; `overrides` replaces resources by name, such as a `refinery` over other folders.

    Read here are the configuration, the declared streams and the evaluation sets, no trace and nothing of the lake, so
    that what cannot be accepted is said when Dagster loads and not in the middle of a run. Everything runs in one
    process: the refinery has worker processes of its own, and a Dagster process per step costs more than the steps.
    """
    resources = {
        "refinery": RefineryResource(),
        "evaluation": EvaluationResource(),
        "feeds": FeedsResource(),
        "models": ModelsResource(),
        GATED_LAKE: gated_lake,
        **(overrides or {}),
    }
    streams = _declared(resources["refinery"])
    return dg.Definitions(
        assets=[
            *trace_assets(streams),
            evidence_asset(streams),
            scored_runs,
            screened_texts,
            corpora,
            corpus_release,
            drift_report,
            run_bundles,
            measured,
            cohorts,
            verdicts,
            evaluation_reports,
            collected,
            source_health,
            events,
            features,
            training_frame,
            frozen_baseline,
            tabular_teacher,
            tsmixer_student,
            ensemble,
            hpo_search,
            hpo_refinement,
            hpo_confirmation,
            model_runs,
            promotion_report,
            serving,
        ],
        jobs=[refinery_job, evaluation_job, feeds_job, models_job, promotion_job, serving_job],
        schedules=[refinery_daily, evaluation_daily, feeds_daily, models_weekly, promotion_weekly, serving_daily],
        sensors=[changed_sources, arrived_bundles, new_bars],
        resources=resources,
        executor=dg.in_process_executor,
    )


def _declared(refinery: RefineryResource) -> tuple[Stream, ...]:
    try:
        return refinery.settings().streams
    except DistillError as error:
        raise dg.DagsterInvalidDefinitionError(f"The configuration cannot be accepted: {error}") from None
