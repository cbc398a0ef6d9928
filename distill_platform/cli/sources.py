"""`distill sources check`: are the declarations right, and what do they find?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from distill_platform.cli.console import JsonOption, as_document, code_for, out, plain, print_json, say
from distill_platform.cli.places import (
    ConfigOption,
    DataOption,
    EvalSetsOption,
    Places,
    SourcesOption,
    find_config,
    short,
)
from distill_platform.core.errors import ConfigError, DistillError

if TYPE_CHECKING:
    from distill_platform.refinery.settings import Settings

app = typer.Typer(help="The trace streams that are declared.", no_args_is_help=True)


@app.callback()
def _sources() -> None:
    """The trace streams that are declared."""


@app.command("check")
def check(
    config: ConfigOption = None,
    sources: SourcesOption = None,
    data: DataOption = None,
    eval_sets: EvalSetsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load every declaration, show what each stream finds, and name each mistake by file, line and column."""
    places = Places(config=config, sources=sources, data=data, eval_sets=eval_sets)
    mistakes = _mistakes(places)
    if mistakes:
        _report(mistakes, as_json=as_json)
        raise typer.Exit(code_for(mistakes[0]))
    settings = places.settings()
    rows = [_row(settings, stream) for stream in settings.streams]
    strangers = _strangers(settings, rows)
    if as_json:
        print_json({"data": str(settings.data), "streams": rows, "unread_files": strangers, **_sets(settings)})
    else:
        _print_table(settings, rows, strangers)


def _mistakes(places: Places) -> list[ConfigError]:
    """Return what is wrong with the declarations, one mistake per file, rather than the first of all."""
    from distill_platform.core.config import load_yaml
    from distill_platform.refinery.settings import PlatformConfig
    from distill_platform.refinery.streams import load_stream

    file = find_config(places.config)
    folder = places.sources or file.resolve().parent.parent / load_yaml(file, PlatformConfig).paths.sources
    found = []
    for declaration in sorted(folder.glob("*.yaml")):
        try:
            load_stream(declaration)
        except ConfigError as error:
            found.append(error)
    return found


def _report(mistakes: list[ConfigError], *, as_json: bool) -> None:
    if as_json:
        print_json({"errors": [as_document(mistake)["error"] for mistake in mistakes]})
    for mistake in mistakes:
        say(mistake)


def _row(settings: Settings, stream: Any) -> dict[str, Any]:
    from distill_platform.refinery.source_files import find_files

    files = find_files(settings.data, stream.name, stream.config.path)
    return {
        "stream": stream.name,
        "class": str(stream.config.stream_class),
        "path": stream.config.path,
        "files": [file.name for file in files],
        "bytes": sum(file.size for file in files),
        "rules": len(stream.rules),
        "declared_in": str(stream.file),
    }


def _strangers(settings: Settings, rows: list[dict[str, Any]]) -> list[str]:
    """Return the files in the source folder that look like traces and that no stream reads."""
    from distill_platform.refinery.source_files import kind_of

    read = {name for row in rows for name in row["files"]}
    found = []
    for path in sorted(settings.data.rglob("*")):
        name = path.relative_to(settings.data).as_posix()
        try:
            if path.is_file() and name not in read and kind_of(path):
                found.append(name)
        except DistillError:
            continue
    return found


def _sets(settings: Settings) -> dict[str, Any]:
    return {"eval_sets": [{"name": found.name, "items": len(found.prompts)} for found in settings.eval_sets]}


def _print_table(settings: Settings, rows: list[dict[str, Any]], strangers: list[str]) -> None:
    console = out()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("stream", "class"):
        table.add_column(name, no_wrap=True)
    for name in ("files", "size", "rules"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)
    _print_notes(console, settings, rows, strangers)


def _cells(row: dict[str, Any]) -> tuple[Text, ...]:
    files = Text(str(len(row["files"]))) if row["files"] else Text("none", style="yellow")
    rules = str(row["rules"]) if row["class"] != "extraction" else "inherits"
    return Text(row["stream"]), Text(row["class"]), files, Text(decimal(row["bytes"])), Text(rules)


def _print_notes(console: Console, settings: Settings, rows: list[dict[str, Any]], strangers: list[str]) -> None:
    missing = [f"{row['stream']} ({row['path']})" for row in rows if not row["files"]]
    sets = ", ".join(f"{found.name} ({len(found.prompts):,} items)" for found in settings.eval_sets)
    console.print(Text(f"trace files in {short(settings.data)}"))
    console.print(Text(f"evaluation sets never to train on: {sets or 'none'}", style="" if sets else "yellow"))
    if missing:
        console.print(Text(f"no file yet, which is not an error: {', '.join(missing)}", style="yellow"))
    if strangers:
        console.print(Text(f"read by no stream: {plain(', '.join(strangers[:10]))}", style="yellow"))
    console.print(Text(f"{len(rows)} streams, every declaration is right", style="green"))
