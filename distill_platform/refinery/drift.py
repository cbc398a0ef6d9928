"""Drift: what a run made differently from the last comparable run, down to the rows, and how much that matters.

Nothing here depends on time. An unchanged rerun reports nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from distill_platform.refinery.drift_report import DriftReport, Flag, Offender, StageDrift
from distill_platform.refinery.measures import Metric, Severity, baseline, compare, worst
from distill_platform.refinery.row_changes import Connection, changed_tables, row_comparison
from distill_platform.refinery.settings import DriftSettings
from distill_platform.refinery.stage import Refinery
from distill_platform.refinery.summary import RunSummary, in_order, summarize
from distill_platform.store.lake import Lake
from distill_platform.store.lake.atomic import replace_file
from distill_platform.store.receipts import StageReceipt, read_receipts, run_folder, run_ids

Pair = tuple[StageReceipt, StageReceipt]

__all__ = ["DriftReport", "last_comparable", "report_drift"]


def report_drift(refinery: Refinery, days: Sequence[str], run_id: str) -> DriftReport:
    """Return the drift of a run, after writing it and the run's summary into the run's folder.

    A run without receipts gets a report that says so, and no files.
    """
    lake, settings = refinery.lake, refinery.settings.config.drift
    current = read_receipts(lake, run_id)
    if not current:
        detail = "the run left no receipts: nothing was materialized"
        return _alone(run_id, days, [Flag("no_receipts", detail, Severity.ALERT)])
    summary = summarize(run_id, current)
    prior_id, prior = last_comparable(lake, run_id, current)
    if prior_id is None:
        numbers = baseline([receipt for receipt in current if receipt.content_hash])
        report = _alone(run_id, days, _run_flags(summary, settings, numbers), numbers)
    else:
        with row_comparison(lake, refinery.settings.config.workers) as rows:
            report = _compared(lake, rows, days, (prior_id, prior), (summary, current), settings)
    _write(lake, summary, report)
    return report


def last_comparable(
    lake: Lake, run_id: str, current: Sequence[StageReceipt]
) -> tuple[str | None, tuple[StageReceipt, ...]]:
    """Return the latest earlier run that passed and made at least every partition of every stage that this one made.

    Its receipts come cut down to what both made, so that one day made anew is held against the same day of a year.
    """
    wanted = {(receipt.stage, receipt.partition) for receipt in current if receipt.content_hash}
    runs = run_ids(lake)
    for earlier in runs[runs.index(run_id) + 1 :] if wanted else ():
        receipts = read_receipts(lake, earlier)
        shared = tuple(receipt for receipt in receipts if (receipt.stage, receipt.partition) in wanted)
        if len(shared) == len(wanted) and all(receipt.passed for receipt in receipts):
            return earlier, shared
    return None, ()


def _alone(run_id: str, days: Sequence[str], flags: Sequence[Flag], metrics: Sequence[Metric] = ()) -> DriftReport:
    """Return the report of a run that is compared with none; without numbers it was not even a first one."""
    severity = worst(flag.severity for flag in flags)
    return DriftReport(
        run_id, None, bool(metrics), severity, tuple(days), None, None, False, (), tuple(flags), tuple(metrics), ()
    )


def _compared(
    lake: Lake,
    rows: Connection,
    days: Sequence[str],
    earlier: tuple[str, Sequence[StageReceipt]],
    this: tuple[RunSummary, Sequence[StageReceipt]],
    settings: DriftSettings,
) -> DriftReport:
    (prior_id, prior), (summary, current) = earlier, this
    pairs = list(_pairs(prior, current))
    metrics = compare([before for before, _ in pairs], [now for _, now in pairs], settings)
    violations = [Offender(now.stage, now.partition) for before, now in pairs if _violates(before, now)]
    flags = [*_run_flags(summary, settings, metrics), *_violation_flags(violations), *_source_flags(pairs)]
    stages = [_stage_drift(lake, rows, stage, pairs) for stage in in_order({now.stage for _, now in pairs})]
    severity = worst([*(metric.severity for metric in metrics), *(flag.severity for flag in flags)])
    outer = _outermost(current)
    return DriftReport(
        summary.run_id, prior_id, False, severity, tuple(days),
        _all([drift.input_hash_match for drift in stages if drift.stage in outer]),
        _all([drift.output_hash_match for drift in stages]),
        bool(violations), tuple(violations), tuple(flags), metrics, tuple(stages),
    )  # fmt: skip


def _pairs(prior: Sequence[StageReceipt], current: Sequence[StageReceipt]) -> Iterator[Pair]:
    """Yield what both runs made; a partition whose stage raised an error made nothing."""
    before = {(receipt.stage, receipt.partition): receipt for receipt in prior}
    for receipt in current:
        if receipt.content_hash:
            yield before[receipt.stage, receipt.partition], receipt


def _all(matches: Sequence[bool]) -> bool | None:
    """Return whether all match; None where nothing could be compared, which is no match either."""
    return all(matches) if matches else None


def _outermost(receipts: Sequence[StageReceipt]) -> set[str]:
    """Return the stages that read nothing another stage of the run made."""
    made = {f"{receipt.stage}/{receipt.partition}" for receipt in receipts}
    inner = {receipt.stage for receipt in receipts for read in receipt.inputs if read.path in made}
    return {receipt.stage for receipt in receipts} - inner


def _violates(before: StageReceipt, now: StageReceipt) -> bool:
    work = (before.input_hash, before.code_version, before.config_hash)
    return work == (now.input_hash, now.code_version, now.config_hash) and before.content_hash != now.content_hash


def _run_flags(summary: RunSummary, settings: DriftSettings, metrics: Sequence[Metric]) -> list[Flag]:
    flags = []
    if not summary.overall_passed:
        failed = ", ".join(stage.stage for stage in summary.stages if not stage.passed)
        flags.append(Flag("run_failed", f"not passed: {failed}; what depends on it did not run", Severity.ALERT))
    unused = sorted({*settings.metrics} - {metric.name for metric in metrics})
    if unused and metrics:
        detail = f"drift.metrics has thresholds for numbers this run does not have: {', '.join(unused)}"
        flags.append(Flag("unused_threshold", detail, Severity.OK))
    return flags


def _violation_flags(violations: Sequence[Offender]) -> list[Flag]:
    if not violations:
        return []
    named = ", ".join(f"{offender.stage}[{offender.partition}]" for offender in violations[:5])
    detail = f"same input, code and configuration, other content in {len(violations)} partitions: {named}"
    return [Flag("deterministic_violation", detail, Severity.ALERT)]


def _source_flags(pairs: Sequence[Pair]) -> list[Flag]:
    """Return what is to be said of the source files: gone ones, and equal bytes that were read differently."""
    flags = [
        Flag("source_missing", f"{stream} had source files in the prior run and has none now", Severity.WARN)
        for stream in _gone(pairs)
    ]
    evidence = [pair for pair in pairs if pair[1].stage == "evidence"]
    same_work = all((b.code_version, b.config_hash) == (n.code_version, n.config_hash) for b, n in evidence)
    if _same_sources(evidence) and same_work and any(b.content_hash != n.content_hash for b, n in evidence):
        detail = "the source files are the same to the byte, the evidence is not: did one change while it was read?"
        flags.append(Flag("sources_read_differently", detail, Severity.WARN))
    return flags


def _gone(pairs: Sequence[Pair]) -> list[str]:
    """Return the streams that had files and have none; a stream declared since then never had any."""
    missing: set[str] = set()
    for before, now in pairs:
        lost = {*now.extra.get("missing_sources", ())} - {*before.extra.get("missing_sources", ())}
        declared_before = before.config_hash == now.config_hash
        missing |= {name for name in lost if declared_before or name in before.extra.get("health", {})}
    return sorted(missing)


def _same_sources(evidence: Sequence[Pair]) -> bool:
    """Return whether both runs read files of the same bytes, and no row that lay in the future has come due since."""
    before, now = (_sources([pair[side] for pair in evidence]) for side in (0, 1))
    return bool(now[0]) and "" not in now[0].values() and before == now


def _sources(receipts: Sequence[StageReceipt]) -> tuple[dict[str, str], int]:
    files = {read.path: read.sha256 for receipt in receipts for read in receipt.inputs}
    return files, sum(receipt.counts.quarantined.get("future_timestamp", 0) for receipt in receipts)


def _stage_drift(lake: Lake, rows: Connection, stage: str, pairs: Sequence[Pair]) -> StageDrift:
    own = [pair for pair in pairs if pair[1].stage == stage]
    tables = [moved for before, now in own for moved in changed_tables(lake, rows, before, now)]
    same_input = all(before.input_hash == now.input_hash for before, now in own)
    return StageDrift(
        stage,
        len(own),
        same_input or (stage == "evidence" and _same_sources(own)),
        all(before.content_hash == now.content_hash for before, now in own),
        any(before.config_hash != now.config_hash for before, now in own),
        any(before.code_version != now.code_version for before, now in own),
        _total([moved.rows_added for moved in tables]),
        _total([moved.rows_removed for moved in tables]),
        _total([moved.rows_changed for moved in tables]),
        tuple(tables),
    )


def _total(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _write(lake: Lake, summary: RunSummary, report: DriftReport) -> None:
    folder = run_folder(lake, summary.run_id)
    replace_file(folder / "summary.json", summary.to_json(), lake.on_step)
    replace_file(folder / "summary.md", summary.to_markdown().encode(), lake.on_step)
    replace_file(folder / "drift.json", report.to_json(), lake.on_step)
    replace_file(folder / "drift.md", report.to_markdown().encode(), lake.on_step)
