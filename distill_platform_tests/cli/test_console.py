"""The command line starts quickly, explains itself, and prints what a terminal and a program can read."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from distill_platform import __version__
from distill_platform.cli.console import code_for, print_indented, tick
from distill_platform.cli.progress import Bars
from distill_platform.core import errors
from distill_platform_tests.cli.terminal import distill, flat

ROOT = Path(__file__).parents[2]
HEAVY = ("dagster", "duckdb", "numba", "numpy", "orjson", "pandas", "pyarrow", "pydantic", "yaml")


def test_starting_imports_nothing_heavy() -> None:
    code = f"import sys, distill_platform.cli; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments", [[], ["run"], ["receipts"], ["trace"], ["sources", "check"], ["export", "verify"]]
)
def test_every_command_explains_itself(tmp_path: Path, arguments: list[str]) -> None:
    result = distill(tmp_path, *arguments, "--help")
    assert result.exit_code == 0
    assert "Usage: distill" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_help_lists_the_commands_and_what_exit_codes_mean(tmp_path: Path) -> None:
    said = flat(distill(tmp_path, "--help").stdout)
    for word in ("run", "receipts", "trace", "sources", "export", "0 done", "1 a check or gate said no", "2 bad usage"):
        assert word in said


@pytest.mark.parametrize("arguments", [[], ["rnu"], ["sources"], ["sources", "chekc"], ["trace"]])
def test_a_command_that_is_not_there_is_bad_usage(tmp_path: Path, arguments: list[str]) -> None:
    assert distill(tmp_path, *arguments).exit_code == 2


def test_the_nearest_command_is_named(tmp_path: Path) -> None:
    assert "Did you mean 'receipts'?" in flat(distill(tmp_path, "reciepts").stderr)


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert distill(tmp_path, "--version").stdout == f"distill {__version__}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), 2),
        (errors.ExpressionError("x", text="x", column=1), 2),
        (errors.SourceError("x"), 2),
        (errors.CanonError("malformed_json", "x"), 2),
        (errors.MissingDataset("x"), 2),
        (errors.GateRefused("x"), 1),
        (errors.CorruptDataset("x"), 1),
        (errors.StaleInput("x"), 1),
        (errors.LakeError("x"), 1),
        (errors.DeterminismError("x"), 1),
    ],
)
def test_every_error_has_its_exit_code(error: errors.DistillError, code: int) -> None:
    assert code_for(error) == code


def console(encoding: str, terminal: bool) -> tuple[Console, io.BytesIO]:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding, write_through=True)
    return Console(file=stream, force_terminal=terminal, width=80), written


def test_ticks_are_words_where_the_terminal_has_no_such_characters() -> None:
    assert [tick(console("ascii", False)[0], holds).plain for holds in (True, False)] == ["ok", "NO"]
    assert [tick(console("utf-8", False)[0], holds).plain for holds in (True, False)] == ["✓", "✗"]


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_a_bar_on_a_terminal_and_a_line_elsewhere(terminal: bool) -> None:
    screen, written = console("utf-8", terminal)
    with Bars(screen) as bars:
        for done in (1, 2, 2):
            bars.show("evidence", done, 2)
    said = written.getvalue().decode()
    assert said == "evidence: 2 of 2\n" if not terminal else "2/2" in said


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_terminal_encoding_will_do(finished: Path, encoding: str) -> None:
    command = [sys.executable, "-m", "distill_platform.cli", "receipts"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, cwd=finished, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"every check held" in done.stdout


def test_a_reader_that_leaves_early_is_no_error(finished: Path) -> None:
    command = f"{sys.executable} -m distill_platform.cli trace --help | head -c 1"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, shell=True, cwd=finished, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_told_below_a_line_is_indented_and_wrapped_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    told = "that it earns more than the control arm is 78.4% sure, " * 4
    print_indented(Console(width=60), told)
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("    ") and len(line) < 60 for line in lines)
    assert " ".join(" ".join(lines).split()) == told.strip()
