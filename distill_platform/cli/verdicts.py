"""The verdict table: every run with what it was refused for, or how far it may go."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from distill_platform.cli.console import plain
from distill_platform.cli.places import short

if TYPE_CHECKING:
    from distill_platform.evaluation.stage import Evaluation

_STYLES = {"pass": "green", "watch": "yellow", "warn": "yellow", "fail": "red"}
_MOST_ROWS = 60


@dataclass(frozen=True)
class VerdictRow:
    """One judged run."""

    run_id: str
    strategy_id: str
    ablated: bool
    status: str
    recommended_stage: str
    gate: str
    gate_status: str
    sharpe: float | None
    standard_error: float | None
    dsr: float | None
    n_trials: int | None
    why: str
    report: str


@dataclass(frozen=True)
class Verdicts:
    """The judged runs of some days, and the entries of the inbox that were turned away."""

    rows: tuple[VerdictRow, ...]
    turned_away: tuple[dict[str, str], ...]
    index: str

    def to_document(self) -> dict[str, Any]:
        """Return them as a JSON value."""
        return {"runs": [asdict(row) for row in self.rows], "turned_away": list(self.turned_away), "index": self.index}


def verdict_rows(evaluation: Evaluation, days: Sequence[str]) -> Verdicts:
    """Return the verdicts on the runs that arrived on some days, best Sharpe ratio first."""
    from distill_platform.evaluation.overview import overview

    found = overview(evaluation, days)
    rows = tuple(VerdictRow(**line) for line in found.lines)
    return Verdicts(rows, tuple(found.turned_away), str(found.index))


def print_verdicts(console: Console, verdicts: Verdicts) -> None:
    """Print the table, what was turned away, and where to read on."""
    shown = [row for row in verdicts.rows if not row.ablated]
    if shown:
        console.print(_table(shown[:_MOST_ROWS]))
        _print_count(console, verdicts, len(shown))
    else:
        console.print("No run was judged.")
    for one in verdicts.turned_away:
        line = f"{one['state']} {one['name']}: {one['message']} ({one['reason']})"
        console.print(Text(plain(line), style="yellow"))
    if shown:
        console.print(Text(f"Reports: {short(Path(verdicts.index))}"))


def _table(rows: Sequence[VerdictRow]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("strategy", "verdict", "stands at", "Sharpe", "DSR", "why"):
        table.add_column(name, justify="right" if name in ("Sharpe", "DSR") else "left", overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: VerdictRow) -> tuple[Text, ...]:
    ratio = f"{row.sharpe:.2f} ± {row.standard_error:.2f}" if _known(row.sharpe, row.standard_error) else "-"
    gate = f"{row.gate} {row.gate_status}".replace("_", " ")
    return (
        Text(plain(row.strategy_id)),
        Text(row.status, style=_STYLES.get(row.status, "")),
        Text(gate),
        Text(ratio),
        Text(f"{row.dsr:.2f}" if _known(row.dsr) else "-"),
        Text(plain(row.why)),
    )


def _known(*values: float | None) -> bool:
    return all(value is not None and math.isfinite(value) for value in values)


def _print_count(console: Console, verdicts: Verdicts, shown: int) -> None:
    counts = Counter(row.status for row in verdicts.rows if not row.ablated)
    said = ", ".join(f"{counts[status]} {status}" for status in ("pass", "warn", "fail") if counts[status])
    ablated = len(verdicts.rows) - shown
    more = f", and {ablated} ablated variants, which count as trials" if ablated else ""
    console.print(Text(f"{shown} runs: {said}{more}."))
