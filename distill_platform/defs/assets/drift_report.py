"""Drift report: what this run made differently from the last comparable one, and the run's summary."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from distill_platform.defs.assets.rooms import REFINERY
from distill_platform.defs.assets.stage import daily_asset
from distill_platform.defs.checks import Verdict, law_specs, record
from distill_platform.defs.failures import permanent_failures
from distill_platform.defs.resources import RefineryResource
from distill_platform.refinery import drift
from distill_platform.refinery.measures import Severity
from distill_platform.store.lake import Check, Lake
from distill_platform.store.receipts import run_folder

_VIOLATED = "stages that gave different output for the same input, code and configuration"
_DRIFTED = "numbers and facts that moved more than their thresholds allow"
_SHOWN_CHARACTERS = 4_000  # a ranged run stores this once per day


@daily_asset(
    "drift_report",
    group="observability",
    owner=REFINERY.owner,
    kinds=("python", "json", "markdown"),
    checks=law_specs("drift_report", ("deterministic", "no_drift"), advisory=("no_drift",)),
    description="What this run made differently from the last comparable run, down to the rows.",
    deps=["corpus_release"],
)
def drift_report(context: dg.AssetExecutionContext, refinery: RefineryResource) -> Iterator[Any]:
    """Hold the run's receipts against those of the last comparable run."""
    keys = context.partition_keys
    with permanent_failures("drift_report", keys):
        report = drift.report_drift(refinery.place, keys, context.run.run_id)
    yield dg.MaterializeResult(metadata=_metadata(report, refinery.place.lake))
    yield from record(context, context.asset_key, [verdict for key in keys for verdict in _verdicts(report, key)])


def _metadata(report: drift.DriftReport, lake: Lake) -> dict[str, Any]:
    return {
        "severity": str(report.severity),
        "compared_with": report.prior_run_id or "no earlier run",
        "numbers_drifted": sum(metric.severity is not Severity.OK for metric in report.metrics),
        "rows_moved": sum(_moved(stage) for stage in report.stages),
        "folder": dg.MetadataValue.path(str(run_folder(lake, report.run_id))),
        "report": dg.MetadataValue.md(report.to_markdown()[:_SHOWN_CHARACTERS]),
    }


def _moved(stage: Any) -> int:
    return sum(count or 0 for count in (stage.rows_added, stage.rows_removed, stage.rows_changed))


def _verdicts(report: drift.DriftReport, key: str) -> Sequence[Verdict]:
    """Return the verdicts over one day: its own violations, and the drift of the run it was made in."""
    broken = [found.stage for found in report.violations if found.partition == key or key not in report.days]
    drifted = [f"{metric.name} {metric.change:+.1%}" for metric in report.metrics if metric.severity is not Severity.OK]
    drifted += [f"{flag.name}: {flag.detail}" for flag in report.flags if flag.severity is not Severity.OK]
    return (
        Verdict(key, Check("deterministic", not broken, True, len(broken), 0, _VIOLATED, tuple(broken[:5]))),
        Verdict(key, Check("no_drift", not drifted, False, len(drifted), 0, _DRIFTED, tuple(drifted[:5]))),
    )
