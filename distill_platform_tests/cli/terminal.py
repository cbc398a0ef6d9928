"""Runs `distill` the way a user does, from inside a project's folder."""

import contextlib
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from distill_platform.cli import app


def distill(folder: Path, *arguments: str) -> Result:
    """Return what a command printed and its exit code."""
    with contextlib.chdir(folder):
        return CliRunner().invoke(app, list(arguments), prog_name="distill")


def document(result: Result) -> Any:
    """Return the one JSON document on stdout."""
    return json.loads(result.stdout)


def flat(text: str) -> str:
    """A text without frames and line ends, to look for sentences in."""
    return " ".join(text.replace("│", " ").split())
