"""`distill trace`: one row, back to the bytes of its source line, every hash verified again."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from distill_platform.cli.console import ExitCode, JsonOption, out, plain, print_json, tick
from distill_platform.cli.places import ConfigOption, DataOption, EvalSetsOption, LakeOption, Places, SourcesOption

if TYPE_CHECKING:
    from distill_platform.refinery.trace import Link, Trace

_MOST_COLUMNS = 100
_ID_DIGITS = 64


def trace(
    row: Annotated[
        str, typer.Argument(metavar="ID", help="An id, evidence id or source line hash: 64 hex digits or the first 8+.")
    ],
    config: ConfigOption = None,
    sources: SourcesOption = None,
    data: DataOption = None,
    lake: LakeOption = None,
    eval_sets: EvalSetsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the chain behind a row, from export to source line, and verify every hash on the way."""
    from distill_platform.refinery.trace import trace_row
    from distill_platform.store.lake import Lake

    settings = Places(config, sources, data, lake, eval_sets).settings()
    found = trace_row(settings, Lake(settings.lake), row)
    if as_json:
        print_json({**asdict(found), "holds": found.holds})
    else:
        _print_trace(found)
    if not found.holds:
        raise typer.Exit(ExitCode.REFUSED)


def _print_trace(found: Trace) -> None:
    console = out()
    console.print(Text.assemble((f"{found.kind} ", "bold"), found.id))
    if found.head is not None:
        _print_link(console, found.head)
    for chain in found.chains:
        if chain.side:
            console.print()
            console.print(Text(f"The {chain.side} answer", style="bold underline"))
        for link in chain.links:
            _print_link(console, link)
    console.print()
    failed = sum(not proof.holds for proof in found.proofs)
    said = f"{failed} of {len(found.proofs)} proofs do not hold" if failed else f"all {len(found.proofs)} proofs hold"
    console.print(Text.assemble(tick(console, not failed), " ", (said, "bold red" if failed else "bold green")))


def _print_link(console: Console, link: Link) -> None:
    console.print()
    console.print(Text.assemble((link.name, "bold"), (f"  {_seen_from_here(link.place)}", "dim")))
    width = max((len(name) for name in link.facts), default=0)
    for name, value in link.facts.items():
        for number, line in enumerate(_wrapped(console, value, width + 6)):
            console.print(Text.assemble((f"    {'' if number else name:<{width}}  ", "dim"), line))
    for proof in link.proofs:
        detail = f": {proof.detail}" if proof.detail else ""
        console.print(Text.assemble("  ", tick(console, proof.holds), plain(f" {proof.claim}{detail}")))


def _wrapped(console: Console, value: str, indent: int) -> list[str]:
    """Return a value in lines that fit the terminal."""
    room = max(min(console.width, _MOST_COLUMNS) - indent, 30)
    if len(value) <= _ID_DIGITS and " " not in value:
        return [value]
    return textwrap.wrap(value, room, break_on_hyphens=False, replace_whitespace=False) or [""]


def _seen_from_here(place: str) -> str:
    return place.removeprefix(f"{Path.cwd()}/")
