"""`distill ledger`: is the record whole, make it ready, and hand closed days to whoever wants to query them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from distill_platform.cli.console import ExitCode, JsonOption, out, plain, print_json, tick
from distill_platform.cli.places import ConfigOption, Places, ledger_location, short

if TYPE_CHECKING:
    from distill_platform.store.ledger import Verification

_SHOWN = 20

app = typer.Typer(help="The ledger: what was recorded, for ever.", no_args_is_help=True)


@app.callback()
def _ledger() -> None:
    """The ledger: what was recorded, for ever."""


@app.command("verify")
def verify(
    anchors: Annotated[
        Path | None, typer.Option("--anchors", metavar="FILE", help="Another copy of the anchors than the settings'.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the whole ledger again: guards, every digest, every chain, and the heads that were anchored outside it."""
    from distill_platform.store.ledger import verify_ledger

    url, own = ledger_location(Places(config=config))
    found = verify_ledger(url, anchors=_existing(anchors) or own)
    if as_json:
        print_json({"passed": found.passed, **asdict(found)})
    else:
        _print(out(), found)
    if not found.passed:
        raise typer.Exit(ExitCode.REFUSED)


@app.command("export")
def export(
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="Default: `export` next to the anchors.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the days before today (UTC) as Parquet files, one folder a day; what was written is left alone."""
    from distill_platform.store.ledger import export_closed_days, open_ledger

    url, anchors = ledger_location(Places(config=config))
    target = folder.resolve() if folder else anchors.parent / "export"
    with open_ledger(url, clock=lambda: datetime.now(UTC), anchors=anchors) as ledger:
        parts = export_closed_days(ledger, target)
    if as_json:
        print_json({"folder": str(target), "parts": [asdict(part) for part in parts]})
        return
    for part in parts:
        out().print(Text(f"{part.rows} revisions of {part.day} in {plain(short(part.file))}"))
    if not parts:
        out().print(Text(f"nothing new: {plain(short(target))} holds every closed day"))


@app.command("prepare")
def prepare(config: ConfigOption = None) -> None:
    """Make the ledger, bring it to the newest schema, or put its guards up again after they were taken down."""
    from distill_platform.store.ledger import prepare_ledger

    prepare_ledger(ledger_location(Places(config=config))[0])
    out().print(Text("the ledger is ready"))


def _existing(file: Path | None) -> Path | None:
    if file is not None and not file.is_file():
        raise typer.BadParameter(f"there is no file {file}", param_hint="--anchors")
    return file


def _print(console: Console, found: Verification) -> None:
    said = "as they were recorded" if found.passed else "do not rely on them"
    counts = f": {found.revisions} revisions in {found.streams} streams, {found.anchors} anchors: {said}"
    console.print(Text.assemble(tick(console, found.passed), " ", ("ledger", "bold"), counts))
    for finding in found.findings[:_SHOWN]:
        place = f"{finding.stream} {finding.number or ''}".strip()
        line = f" {finding.flaw}: {place + ': ' if place else ''}{finding.message}"
        console.print(Text.assemble("  ", tick(console, False), plain(line)))
    if len(found.findings) > _SHOWN:
        console.print(Text(f"    and {len(found.findings) - _SHOWN} more; --json lists them all"))
