"""The verdict table: every run with what it was refused for, or how far it may go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from distill_platform.cli.console import plain
from distill_platform.cli.places import short

if TYPE_CHECKING:
    from distill_platform.evaluation.overview import Overview

_STYLES = {"pass": "green", "warn": "yellow", "fail": "red"}
_RIGHT = ("Sharpe", "DSR", "trials")
_MOST_ROWS = 60


def as_document(found: Overview) -> dict[str, Any]:
    """Return an overview as a JSON value."""
    return {"runs": list(found.runs), "turned_away": list(found.turned_away), "index": str(found.index)}


def print_verdicts(console: Console, found: Overview) -> None:
    """Print the table of runs, what was turned away, and where to read on."""
    whole = [run for run in found.runs if not run["ablated"]]
    if whole:
        console.print(_table(whole[:_MOST_ROWS]))
        console.print(Text(_counted(whole, len(found.runs) - len(whole))))
    else:
        console.print(Text("No run was judged."))
    for one in found.turned_away:
        line = f"{one['state']}: {one['name']}: {one['message']} ({one['reason']})"
        console.print(Text(plain(line), style="yellow"))
    if whole:
        console.print(Text(f"Reports: {plain(short(found.index))}"), soft_wrap=True)


def _table(runs: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("strategy", "verdict", "Sharpe", "DSR", "trials", "why"):
        table.add_column(name, justify="right" if name in _RIGHT else "left", overflow="fold")
    for run in runs:
        style = _STYLES.get(run["status"], "")
        cells = (run["sharpe"], run["dsr"], str(run["n_trials"]), run["headline"])
        table.add_row(Text(plain(run["strategy_id"])), Text(run["status"], style=style), *(plain(c) for c in cells))
    return table


def _counted(whole: Sequence[Mapping[str, Any]], ablated: int) -> str:
    counts = Counter(run["status"] for run in whole)
    said = ", ".join(f"{counts[status]} {status}" for status in ("pass", "warn", "fail") if counts[status])
    more = f", and {ablated} ablated variants, which count as trials" if ablated else ""
    return f"{len(whole)} runs: {said}{more}."
