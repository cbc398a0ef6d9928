"""Closing: what a run came to, as a table and as one JSON document. Shown after a run, and again on request."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from distill_platform.cli.console import as_document, out, plain, print_json, tick
from distill_platform.cli.places import Places, find_config, short
from distill_platform.core.errors import ConfigError, CorruptDataset, DistillError, MissingDataset

if TYPE_CHECKING:
    from distill_platform.refinery.summary import RunSummary, StageTotals

_COLUMNS = ("in", "out", "dedup.", "skipped", "quarantined", "samples", "sec.")
_STYLES = {"ok": "green", "warn": "yellow", "alert": "bold red"}
_MOST_ERRORS = 10
_NARROW = 80


def show_run(places: Places, lake: Path, run_id: str, error: DistillError | None = None, *, as_json: bool) -> bool:
    """Print what a run came to; return whether all that had to hold held."""
    from distill_platform.refinery.schemas import TABLES
    from distill_platform.refinery.summary import summarize
    from distill_platform.store.lake import Lake
    from distill_platform.store.receipts import read_receipts

    receipts = read_receipts(Lake(lake), run_id, tuple(TABLES))
    if not receipts:
        raise MissingDataset(
            f"no run {run_id!r} has left receipts in {lake}", hint="See `distill receipts` for the latest"
        )
    summary = summarize(run_id, receipts)
    drift = _drift(lake, run_id)
    example = _example(lake, summary)
    if as_json:
        print_json(_document(lake, summary, drift, example, error))
    else:
        _print_tables(places, lake, summary, drift, example)
    return summary.overall_passed and error is None


def _document(
    lake: Path, summary: RunSummary, drift: dict[str, Any] | None, example: str | None, error: DistillError | None
) -> dict[str, Any]:
    return {
        **asdict(summary),
        "lake": str(lake),
        "releases": [str(folder) for folder in _releases(lake, summary)],
        "example_id": example,
        "drift": drift,
        **(as_document(error) if error else {}),
    }


def _drift(lake: Path, run_id: str) -> dict[str, Any] | None:
    """Return a run's drift report as it was written; None where a run was cut off before it."""
    from distill_platform.core import canon

    path = lake / "runs" / run_id / "drift.json"
    try:
        report: dict[str, Any] = canon.parse(path.read_bytes())
    except FileNotFoundError:
        return None
    except DistillError as error:
        raise CorruptDataset(f"{path} is not a drift report: {error}", hint="Remove the run's folder") from None
    return report


def _print_tables(
    places: Places, lake: Path, summary: RunSummary, drift: dict[str, Any] | None, example: str | None
) -> None:
    console = out()
    console.print()
    console.print(Text(f"Run {summary.run_id}", style="bold").append(_days(summary), style="not bold"))
    console.print()
    for line in stage_lines(summary.stages):
        console.print(line)
    console.print()
    _print_verdict(console, summary)
    _print_places(console, lake, summary, drift)
    if summary.overall_passed:
        _print_next(console, places, lake, summary, example)


def _days(summary: RunSummary) -> str:
    days = sorted(
        {day for totals in summary.stages for day in totals.partitions if day[:1].isdigit() and "_" not in day}
    )
    if not days:
        return ""
    return f", {days[0]}" if len(days) == 1 else f", {len(days)} days from {days[0]} to {days[-1]}"


def stage_lines(stages: Sequence[StageTotals]) -> Iterator[Text]:
    """Yield the lines of the table: a row per stage, and beneath it a row per reason for which rows were dropped."""
    rows = [_numbers(totals) for totals in stages]
    first = max(len("stage"), *(len(totals.stage) for totals in stages))
    widths = [max(len(head), *(len(row[n]) for row in rows)) for n, head in enumerate(_COLUMNS)]
    gap = 2 if first + sum(widths) + 2 * len(widths) <= _NARROW else 1
    widths = [width + gap for width in widths]
    yield Text(_line("stage", _COLUMNS, first, widths), style="bold")
    for totals, row in zip(stages, rows, strict=True):
        line = _line(totals.stage, row, first, widths)
        yield Text(line) if totals.passed else Text(f"{line}  failed", style="bold red")
        for column, reasons in ((3, totals.skipped), (4, totals.quarantined)):
            yield from _reason_lines(reasons, first + sum(widths[: column + 1]))


def _numbers(totals: StageTotals) -> tuple[str, ...]:
    dropped = (totals.deduplicated, sum(totals.skipped.values()), sum(totals.quarantined.values()))
    counts = tuple(f"{count:,}" for count in (totals.rows_in, totals.rows_out, *dropped))
    return (*counts, "" if totals.samples is None else f"{totals.samples:,}", f"{totals.seconds:.1f}")


def _line(name: str, cells: Sequence[str], first: int, widths: Sequence[int]) -> str:
    return f"{name:<{first}}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _reason_lines(reasons: Mapping[str, int], end: int) -> Iterator[Text]:
    """Yield one line per reason, most frequent first, its number ending in column `end`."""
    for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        name = f"  {reason} "
        yield Text(name + f"{count:,}".rjust(end - len(name)), style="dim")


def _print_verdict(console: Console, summary: RunSummary) -> None:
    if summary.overall_passed:
        console.print(Text.assemble(tick(console, True), " every check held"))
        if not any(totals.samples for totals in summary.stages):
            console.print(Text("  no row reached a corpus; the reasons above say why", style="yellow"))
        return
    console.print(Text.assemble(tick(console, False), (" not passed: do not train on this", "bold red")))
    for error in summary.errors[:_MOST_ERRORS]:
        console.print(Text(f"  {plain(error)}"))
    if len(summary.errors) > _MOST_ERRORS:
        console.print(Text(f"  and {len(summary.errors) - _MOST_ERRORS} more, in the receipts"))


def _print_places(console: Console, lake: Path, summary: RunSummary, drift: dict[str, Any] | None) -> None:
    console.print()
    for totals in summary.stages:
        if totals.stage in {place.corpus for place in summary.corpora} and totals.stage != "corpus_release":
            console.print(_entry(totals.stage, short(lake / totals.stage), f"{totals.samples:,} samples, by day"))
    for folder in _releases(lake, summary):
        console.print(_entry("release", short(folder)))
    console.print(_entry("receipts", short(lake / "runs" / summary.run_id)))
    console.print(_drift_line(drift))


def _entry(name: str, place: str, about: str = "") -> Text:
    return Text.assemble(f"{name:<18}", (place, "cyan"), (f"  {about}" if about else "", "dim"))


def _drift_line(drift: dict[str, Any] | None) -> Text:
    if drift is None:
        return Text(f"{'drift':<18}not reported")
    severity = drift["severity"]
    prior = drift["prior_run_id"]
    moved = [metric["name"] for metric in drift["metrics"] if metric["severity"] != "ok"]
    told = [f"{flag['name']}: {flag['detail']}" for flag in drift["flags"] if flag["severity"] != "ok"]
    about = f"against {prior}" if prior else "no earlier run to compare with"
    if prior and not moved and not told and drift["output_hash_match"]:
        about += ", same output to the last row"
    names = "; ".join([*told, *([f"moved: {', '.join(moved[:4])}"] if moved else [])])
    return Text.assemble(
        f"{'drift':<18}",
        (severity, _STYLES.get(severity, "")),
        (plain(f"  {about}{'; ' if names else ''}{names}"), "dim"),
    )


def _releases(lake: Path, summary: RunSummary) -> list[Path]:
    found = {place.folder.split("/")[1] for place in summary.corpora if place.folder.startswith("releases/")}
    return [lake / "releases" / name for name in sorted(found)]


def _example(lake: Path, summary: RunSummary) -> str | None:
    """Return the id of one exported row of this run, to try `distill trace` on."""
    from distill_platform.store.lake import read_part

    for wanted in ("preference_corpus", "sft_corpus", "rag_corpus", "kto_corpus"):
        for place in summary.corpora:
            for part in sorted((lake / place.folder).glob("part-*.parquet")) if place.corpus == wanted else ():
                ids = read_part(part, ["id"])["id"]
                if len(ids):
                    return str(ids[0].as_py())
    return None


def _print_next(console: Console, places: Places, lake: Path, summary: RunSummary, example: str | None) -> None:
    options = places.options()
    steps = [
        ("the release: its README.md says how to load it", f"ls {shlex.quote(short(folder))}")
        for folder in _releases(lake, summary)
    ]
    if example:
        steps.append(
            ("one exported row, back to the bytes it came from", f"{_command()} trace {example[:12]}{options}")
        )
    steps += [("the graph, in Dagster's web interface", "make dev")] if _has_makefile(places) else []
    console.print()
    console.print(Text("Next", style="bold"))
    for about, command in steps:
        console.print(Text.assemble((f"  # {about}\n", "dim"), (f"  {command}", "cyan")))


def _command() -> str:
    """Return how this command was called, so that what is shown can be typed as it stands."""
    called = Path(sys.argv[0]).absolute()
    return "distill" if called.name != "distill" or shutil.which("distill") == str(called) else short(called)


def _has_makefile(places: Places) -> bool:
    try:
        return (find_config(places.config).resolve().parent.parent / "Makefile").is_file()
    except ConfigError:
        return False
