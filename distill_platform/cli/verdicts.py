"""The verdict table: every run with what it was refused for, or how far it may go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from distill_platform.cli.console import plain, print_indented
from distill_platform.cli.places import short

if TYPE_CHECKING:
    from distill_platform.evaluation.overview import Overview

_STYLES = {"pass": "green", "warn": "yellow", "fail": "red"}
_MOST_ROWS = 60


def as_document(found: Overview) -> dict[str, Any]:
    """Return an overview as a JSON value."""
    return {"runs": list(found.runs), "turned_away": list(found.turned_away), "index": str(found.index)}


def print_verdicts(console: Console, found: Overview) -> None:
    """Print each run with its numbers and why, what was turned away, and where to read on."""
    whole = [run for run in found.runs if not run["ablated"]]
    if whole:
        width = max(len("strategy"), *(len(run["strategy_id"]) for run in whole[:_MOST_ROWS]))
        console.print(Text(_line("strategy", "verdict", "Sharpe a year", "DSR", "trials", width=width), style="bold"))
        for run in whole[:_MOST_ROWS]:
            _print_run(console, run, width)
        console.print(Text(_counted(whole, len(found.runs) - len(whole))))
    else:
        console.print(Text("No run was judged."))
    for one in found.turned_away:
        line = f"{one['state']}: {one['name']}: {one['message']} ({one['reason']})"
        console.print(Text(plain(line), style="yellow"))
    if whole:
        console.print(Text(f"Reports: {plain(short(found.index))}"), soft_wrap=True)


def _print_run(console: Console, run: Mapping[str, Any], width: int) -> None:
    cells = (run["strategy_id"], run["status"], run["sharpe"], run["dsr"], str(run["n_trials"]))
    line = Text(plain(_line(*cells, width=width)))
    line.highlight_words([run["status"]], _STYLES.get(run["status"], ""))
    console.print(line)
    print_indented(console, run["headline"])


def _line(strategy: str, verdict: str, ratio: str, dsr: str, trials: str, *, width: int) -> str:
    return f"{strategy:<{width}}  {verdict:<7}  {ratio:>13}  {dsr:>12}  {trials:>6}"


def _counted(whole: Sequence[Mapping[str, Any]], ablated: int) -> str:
    counts = Counter(run["status"] for run in whole)
    said = ", ".join(f"{counts[status]} {status}" for status in ("pass", "warn", "fail") if counts[status])
    more = f", and {ablated} ablated variants, which count as trials" if ablated else ""
    return f"{len(whole)} runs: {said}{more}."
