"""The drift report: what it says, and how it is shown to a program (JSON) and to a reader (Markdown)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from distill_platform.core import canon
from distill_platform.refinery.measures import Metric, Severity
from distill_platform.refinery.row_changes import TableDrift
from distill_platform.refinery.summary import table

_MOST_TABLES = 200


@dataclass(frozen=True)
class Flag:
    """Something about a run that no number says."""

    name: str
    detail: str
    severity: Severity


@dataclass(frozen=True)
class Offender:
    """A partition whose content changed although nothing that may change it did."""

    stage: str
    partition: str


@dataclass(frozen=True)
class StageDrift:
    """One stage against the prior run: what went in and came out, and the rows that moved.

    Row counts are None when one of its tables cannot be compared; `tables` names only those that differ.
    """

    stage: str
    partitions: int
    input_hash_match: bool
    output_hash_match: bool
    config_changed: bool
    code_changed: bool
    rows_added: int | None
    rows_removed: int | None
    rows_changed: int | None
    tables: tuple[TableDrift, ...]


@dataclass(frozen=True)
class DriftReport:
    """A run against the last comparable one. Without one, `first_run` is set and the matches are None.

    `input_hash_match` is about what came from outside the run; a stage's own inputs stand with the stage.
    """

    run_id: str
    prior_run_id: str | None
    first_run: bool
    severity: Severity
    days: tuple[str, ...]
    input_hash_match: bool | None
    output_hash_match: bool | None
    deterministic_violation: bool
    violations: tuple[Offender, ...]
    flags: tuple[Flag, ...]
    metrics: tuple[Metric, ...]
    stages: tuple[StageDrift, ...]

    def to_json(self) -> bytes:
        """Return the report as canonical JSON."""
        return canon.dumps(asdict(self))

    def to_markdown(self) -> str:
        """Return the report for a reader: the severity, then what changed, and nothing about what did not."""
        against = f"Compared with run {self.prior_run_id}." if self.prior_run_id else "No earlier run to compare with."
        parts = [f"# Drift of run {self.run_id}: {self.severity}", against]
        if self.flags:
            parts.append("\n".join(f"- **{flag.severity}** {flag.name}: {flag.detail}" for flag in self.flags))
        if self.prior_run_id:
            parts += ["## Stages", _stage_table(self.stages), "## Rows", _row_table(self.stages)]
            parts += ["## Numbers", _metric_table(self.metrics)]
        return "\n\n".join(parts) + "\n"


def _stage_table(stages: Sequence[StageDrift]) -> str:
    head = ("stage", "partitions", "input", "configuration", "code", "output", "added", "removed", "changed")
    words = {True: "same", False: "changed"}
    return table(
        head,
        [
            (s.stage, s.partitions, words[s.input_hash_match], words[not s.config_changed], words[not s.code_changed],
             words[s.output_hash_match], *map(_known, (s.rows_added, s.rows_removed, s.rows_changed)))
            for s in stages
        ],
    )  # fmt: skip


def _row_table(stages: Sequence[StageDrift]) -> str:
    rows = [
        (f"{stage.stage}[{moved.partition}].{moved.table}", _known(moved.rows_added), _known(moved.rows_removed),
         _known(moved.rows_changed), moved.unknown or ", ".join(name[:12] for name in moved.sample))
        for stage in stages
        for moved in stage.tables
    ]  # fmt: skip
    if not rows:
        return "No row moved."
    more = f"\n\n{len(rows) - _MOST_TABLES} more tables stand in drift.json." if len(rows) > _MOST_TABLES else ""
    return table(("table", "added", "removed", "changed", "for example"), rows[:_MOST_TABLES]) + more


def _metric_table(metrics: Sequence[Metric]) -> str:
    moved = sorted((m for m in metrics if m.change), key=lambda m: (-m.severity.rank, -abs(m.change), m.name))
    rows = [(m.name, f"{m.prior:g}", f"{m.current:g}", f"{m.change:+.1%}", str(m.severity)) for m in moved]
    same = f"{len(metrics) - len(rows)} of {len(metrics)} numbers are the same."
    return same if not rows else f"{table(('number', 'prior', 'current', 'change', 'severity'), rows)}\n\n{same}"


def _known(number: int | None) -> object:
    return "unknown" if number is None else number
