"""The console: where things are printed, how an error is said, and what exit codes mean.

0 done, and everything that had to hold held; 1 a check or gate said no; 2 bad usage or input; 70 a bug of ours;
130 interrupted. What a program reads goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import json
import sys
import traceback
from enum import IntEnum
from io import TextIOWrapper
from textwrap import fill
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from distill_platform.core.errors import (
    CanonError,
    ConfigError,
    DistillError,
    MissingDataset,
    ReviewMissing,
    SourceError,
)


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    BUG = 70
    INTERRUPTED = 130


def out() -> Console:
    """Return the console on stdout: no colours unless it is a terminal, and never a line broken or guessed at."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def err() -> Console:
    """Return the console on stderr."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_json(document: Any) -> None:
    """Print the one JSON document of a command, readable on any terminal."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


def tick(console: Console, holds: bool) -> Text:
    """Return a tick or a cross; words where the terminal has no such characters."""
    signs = ("✗", "✓") if console.encoding.lower().startswith("utf") else ("NO", "ok")
    return Text(signs[holds], style="green" if holds else "bold red")


def code_for(error: DistillError) -> ExitCode:
    """Return how a command ends with this error: the user's input was wrong, or something that must hold did not."""
    if isinstance(error, ConfigError | SourceError | CanonError | MissingDataset | ReviewMissing):
        return ExitCode.USAGE
    return ExitCode.REFUSED


def plain(text: str) -> str:
    """Return a text that does nothing to the terminal: what cannot be seen is escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def say(error: DistillError) -> None:
    """Print what happened, where, and what to do next."""
    known = (getattr(error, name, None) for name in ("file", "line", "column"))
    place = "".join(f"{part}:" for part in known if part)
    console = err()
    console.print(Text.assemble(("error: ", "bold red"), plain(f"{place} {error.message}".strip())))
    if error.hint:
        console.print(Text(f"       {plain(error.hint)}"))


def as_document(error: DistillError) -> dict[str, Any]:
    """Return an error for a program."""
    where = {name: getattr(error, name) for name in ("file", "line", "column") if getattr(error, name, None)}
    return {"error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint, **where}}


class Door(TyperGroup):
    """The command group that turns every error into one clear message and an exit code, never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except DistillError as error:
            if ctx.meta.get(_JSON):
                print_json(as_document(error))
            say(error)
            raise typer.Exit(code_for(error)) from None
        except KeyboardInterrupt:
            err().print("interrupted: nothing half-written was published; the same command goes on from here")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - the last resort: whatever it is, the user gets a sentence
            self._confess(error, debug=bool(ctx.params.get("debug")))
            raise typer.Exit(ExitCode.BUG) from None

    def _confess(self, error: Exception, *, debug: bool) -> None:
        err().print(f"this is a bug in distill: {type(error).__name__}: {plain(str(error))}")
        if debug:
            sys.stderr.write("".join(traceback.format_exception(error)))
        else:
            err().print("       Run it again as `distill --debug ...` and report what it prints")


_JSON = "distill.json"
_INDENT = "    "


def _remember(ctx: typer.Context, wanted: bool) -> bool:
    ctx.meta[_JSON] = wanted
    return wanted


JsonOption = Annotated[
    bool, typer.Option("--json", callback=_remember, help="Print one JSON document on stdout instead of tables.")
]


def prepare_streams() -> None:
    """Make stdout and stderr escape what their encoding cannot say, rather than fail on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_indented(console: Console, told: str, style: str = "dim") -> None:
    """Print a text below the line that it belongs to, wrapped to the terminal's width."""
    wrapped = fill(plain(told), console.width - 1, initial_indent=_INDENT, subsequent_indent=_INDENT)
    console.print(Text(wrapped, style=style), soft_wrap=True)
