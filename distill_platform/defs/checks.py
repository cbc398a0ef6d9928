"""Checks: the laws as Dagster shows and enforces them.

A stage holds its own output against the laws and writes the verdicts into its manifests; here they become asset checks.
In a run over one day each check is recorded for that day. In a run over a range it is recorded for every day with what
was found there, and once over all days: that one stops what comes after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)
from dagster._utils.warnings import disable_dagster_warnings

from distill_platform.core.errors import GateRefused
from distill_platform.defs.metadata import markdown_table
from distill_platform.defs.partitions import DAILY
from distill_platform.store.lake import Check, Manifest

EVERY_STAGE = ("conservation", "schema", "determinism", "provenance")
_LAWS = {
    "conservation": "Rows in are rows out, deduplicated, skipped or quarantined; nothing vanishes.",
    "schema": "Every file has exactly the declared columns and types, and as many rows as were counted.",
    "determinism": "The same input, code and configuration gave the same content as last time.",
    "provenance": "Every row, none sampled, leads back to what it was made from.",
    "no_line_lost": "Every line of the source files is a record, dropped with a reason, or of another day.",
    "firewall": "No row comes from a rejected, unverified, contaminated or unproven record.",
    "unique_ids": "No two rows have the same id.",
    "one_split_per_task": "No task has rows in both the training and the validation split.",
    "sealed": "Every bundle that counts is, byte for byte, what COMPLETE says it is.",
    "nothing_refused": "No bundle was refused; those that were lie where they were, with the reason.",
    "integrity": "No run whose accounting is broken has a metric that anybody could be judged by.",
    "nothing_broken": "No run's accounting is broken; those that are wait for triage.",
    "honest_n": "Every run, found, failed, replaced or ablated, counts in the trials its cohort is judged by.",
    "fail_closed": "No verdict is a pass with a metric missing or not a number, or with no rule executed.",
    "no_gaming": "No run shows a sign of having been talked into passing.",
    "reports_whole": "Every judged run has its artifacts, and they are what their hashes say.",
    "sources_whole": "Every resource of every feed could be had; what could not is said, and never taken for nothing.",
    "slo_success": "Every feed gave data as often as it owes.",
    "slo_lag": "The records of every feed came as soon as it owes.",
    "causal": "No event is available before it was published.",
    "online_equals_offline": "Computed one by one, the day's features have the same bits.",
    "knows_no_future": "No feature changes with what comes later, and none predicts too well to be true.",
    "one_decides": "For each symbol and moment, at most one model decides.",
    "sums": "What the features added sums to the score, in every row.",
    "no_rollback": "No model was taken back; one that was says why.",
    "out_of_fold": "No fold knew what it was judged by.",
    "deterministic": "No stage gave different output for the same input, code and configuration as before.",
    "no_drift": "No metric moved further from the last comparable run than its threshold allows.",
}
_PART_OF = {
    "jsonl": "schema",
    "conversations": "schema",
    "rows_fit": "schema",
    "content": "determinism",
    "ids": "unique_ids",
    "repeated_rows": "unique_ids",
    "task_splits": "one_split_per_task",
    "kto_labels": "firewall",
}
_SHOWN_DAYS = 20


@dataclass(frozen=True)
class Verdict:
    """What one check says of one partition, or of a whole run where `partition` is empty."""

    partition: str
    check: Check


def law_specs(
    asset: str, laws: Sequence[str], partitions: dg.PartitionsDefinition = DAILY, *, advisory: Sequence[str] = ()
) -> list[dg.AssetCheckSpec]:
    """Return the specs of the laws an asset is held against; a broken one stops the graph unless it is advisory."""
    with disable_dagster_warnings():
        return [
            dg.AssetCheckSpec(
                law, asset=asset, description=_LAWS[law], blocking=law not in advisory, partitions_def=partitions
            )
            for law in laws
        ]


def verdicts_of(laws: Sequence[str], manifests: Sequence[Manifest], keys: Sequence[str]) -> list[Verdict]:
    """Return every law's verdict over every day, and over each manifest that is not one day's own.

    A day without a manifest of its own is spoken for by those of its range. A law that nobody speaks of is broken.
    """
    _refuse_unnamed(laws, manifests)
    own = {manifest.partition: [manifest] for manifest in manifests}
    shared = [manifest for manifest in manifests if manifest.partition not in keys]
    found = [Verdict(key, _told(law, own.get(key, shared))) for key in keys for law in laws]
    return found + [Verdict("", _told(law, [manifest])) for manifest in shared for law in laws]


def _told(law: str, manifests: Sequence[Manifest]) -> Check:
    """Return what some manifests say of a law: its own check and the finer ones that belong to it, as one."""
    every = [check for manifest in manifests for check in manifest.checks if _law_of(check) == law]
    if not every:
        return Check(law, False, True, 1, 0, "this law was not checked")
    broken = [check for check in every if not check.passed]
    first = (broken or every)[0]
    sample = tuple(item for check in broken for item in check.sample)
    observed = sum(check.observed for check in (broken or every))
    return replace(first, name=law, passed=not broken, observed=observed, sample=sample)


def _law_of(check: Check) -> str:
    return _PART_OF.get(check.name, check.name)


def _refuse_unnamed(laws: Sequence[str], manifests: Sequence[Manifest]) -> None:
    """Raise GateRefused for a broken check that is none of the laws: nothing else would stop the graph."""
    for manifest in manifests:
        for check in manifest.checks:
            if check.blocking and not check.passed and _law_of(check) not in laws:
                place = f"{manifest.dataset}[{manifest.partition}]"
                raise GateRefused(f"{place} broke {check.name}, of which Dagster was not told: {check.description}")


def record(
    context: dg.AssetExecutionContext, asset: dg.AssetKey, verdicts: Sequence[Verdict]
) -> Iterator[dg.AssetCheckResult]:
    """Record the verdicts on an asset: for every key of a ranged run as an event, for the whole run as what is yielded.

    To be called after the asset's materialization was yielded, which the events point at. A check that the run did
    not select is left out.
    """
    selected = {key.name for key in context.op_execution_context.selected_asset_check_keys if key.asset_key == asset}
    wanted = [verdict for verdict in verdicts if verdict.check.name in selected]
    if len(context.partition_keys) > 1:
        targets = _materialized(context, asset)
        for verdict in wanted:
            if verdict.partition:
                context.op_execution_context.log_event(
                    _evaluation(asset, verdict, targets)  # type: ignore[arg-type]  # it is taken
                )
    for law in dict.fromkeys(verdict.check.name for verdict in wanted):
        yield _over_all(asset, [verdict for verdict in wanted if verdict.check.name == law])


def _materialized(context: dg.AssetExecutionContext, asset: dg.AssetKey) -> Mapping[str | None, Target]:
    """Return this run's materialization of every key, which a check must name to count as current."""
    keys = list(context.partition_keys)
    wanted = dg.AssetRecordsFilter(asset, asset_partitions=keys)
    records = context.instance.fetch_materializations(wanted, limit=len(keys)).records
    return {
        found.partition_key: Target(run_id=found.run_id, storage_id=found.storage_id, timestamp=found.timestamp)
        for found in records
        if found.run_id == context.run.run_id
    }


def _evaluation(asset: dg.AssetKey, verdict: Verdict, targets: Mapping[str | None, Target]) -> dg.AssetCheckEvaluation:
    check = verdict.check
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=check.name,
        passed=check.passed,
        metadata=_numbers(check),
        target_materialization_data=targets.get(verdict.partition),
        severity=_severity(check),
        description=check.description,
        blocking=check.blocking,
        partition=verdict.partition,
    )


def _over_all(asset: dg.AssetKey, verdicts: Sequence[Verdict]) -> dg.AssetCheckResult:
    """Return one result over the whole run: passed only where every verdict is."""
    broken = [verdict for verdict in verdicts if not verdict.check.passed]
    worst = max(broken or verdicts, key=lambda verdict: verdict.check.observed).check
    total = replace(worst, observed=sum(verdict.check.observed for verdict in verdicts))
    shown: dict[str, Any] = _numbers(total) | {"partitions_checked": len(verdicts), "partitions_failed": len(broken)}
    if broken:
        rows = [
            (verdict.partition or "all", verdict.check.observed, ", ".join(verdict.check.sample)) for verdict in broken
        ]
        shown["failed"] = markdown_table(("partition", "observed", "sample"), rows[:_SHOWN_DAYS])
    return dg.AssetCheckResult(
        passed=not broken,
        asset_key=asset,
        check_name=worst.name,
        metadata=shown,
        severity=_severity(worst),
        description=worst.description,
    )


def _numbers(check: Check) -> dict[str, Any]:
    sample = {"sample": "\n".join(check.sample)} if check.sample else {}
    return {"observed": float(check.observed), "allowed": float(check.allowed), **sample}


def _severity(check: Check) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if check.blocking else dg.AssetCheckSeverity.WARN
