"""The project's own files agree with each other: locks, settings, make targets and the floors of the house."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
TARGETS = ["run", "test", "slow", "check", "bench", "dev", "clean", "distclean", "help"]


def pins(name: str) -> dict[str, str]:
    """Name and version of every line; anything but `name==version` and comments is a failure."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line), f"{name}: not an exact pin: {line}"
    pairs = [line.split("==") for line in lines]
    names = [canonicalize_name(distribution) for distribution, _ in pairs]
    assert names == sorted(set(names)), f"{name}: not sorted, or a name twice"
    return dict(zip(names, (version for _, version in pairs), strict=True))


LOCK = pins("requirements.lock")
MODELS_LOCK = pins("requirements-models.lock")
TRAIN_LOCK = pins("requirements-train-check.lock")
PEERS_LOCK = pins("requirements-peers.lock")


@pytest.mark.parametrize("line", PROJECT["project"]["dependencies"] + EXTRAS["dev"])
def test_every_direct_dependency_is_locked_within_its_range(line: str) -> None:
    wanted = Requirement(line)
    assert LOCK[canonicalize_name(wanted.name)] in wanted.specifier


@pytest.mark.parametrize("line", EXTRAS["train-check"])
def test_every_dependency_of_the_training_check_is_locked_within_its_range(line: str) -> None:
    wanted = Requirement(line)
    assert (MODELS_LOCK | TRAIN_LOCK)[canonicalize_name(wanted.name)] in wanted.specifier


@pytest.mark.parametrize("line", EXTRAS["models"])
def test_every_dependency_of_the_models_is_locked_within_its_range(line: str) -> None:
    wanted = Requirement(line)
    assert (LOCK | MODELS_LOCK)[canonicalize_name(wanted.name)] in wanted.specifier


@pytest.mark.parametrize("line", EXTRAS["peers"])
def test_every_peer_is_locked_within_its_range(line: str) -> None:
    wanted = Requirement(line)
    assert (LOCK | PEERS_LOCK)[canonicalize_name(wanted.name)] in wanted.specifier


def test_whoever_trains_no_model_needs_no_giant() -> None:
    assert not LOCK.keys() & {"torch", "transformers", "trl", "datasets", "accelerate", "tokenizers"}
    assert not LOCK.keys() & (MODELS_LOCK.keys() | TRAIN_LOCK.keys())
    assert not MODELS_LOCK.keys() & TRAIN_LOCK.keys()
    assert not PEERS_LOCK.keys() & (LOCK.keys() | MODELS_LOCK.keys() | TRAIN_LOCK.keys())


def test_torch_and_the_dagster_family_are_exact() -> None:
    assert "torch==2.13.0" in EXTRAS["train-check"]
    assert "torch==2.13.0" in EXTRAS["models"]
    every_line = PROJECT["project"]["dependencies"] + EXTRAS["dev"]
    assert all("==" in line for line in every_line if line.startswith("dagster"))
    core = {version for name, version in LOCK.items() if name in ("dagster", "dagster-webserver", "dagster-graphql")}
    assert len(core) == 1


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("lint-imports")
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [command, "--no-cache", "--no-logo"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_floors_hold() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("core", "import distill_platform.store"),
        ("store", "import distill_platform.refinery"),
        ("refinery", "import distill_platform.defs"),
        ("defs", "import distill_platform.cli"),
        ("refinery", "import dagster"),
        ("cli", "from dagster import materialize"),
        ("cli", "import fastapi"),
        ("refinery", "import sqlalchemy"),
        ("refinery", "import typer"),
        ("attic", "import json"),
    ],
)
def test_a_forbidden_import_is_noticed(room: str, line: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("core", "store", "refinery", "defs", "cli", room):
        (tmp_path / "distill_platform" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "distill_platform" / name / "__init__.py").write_text("")
    (tmp_path / "distill_platform" / "__init__.py").write_text("")
    assert room == "attic" or lint_imports(tmp_path).returncode == 0
    (tmp_path / "distill_platform" / room / "trespass.py").write_text(line + "\n")
    result = lint_imports(tmp_path)
    assert result.returncode != 0
    assert "broken" in result.stdout, result.stdout + result.stderr


def test_produced_files_are_ignored_and_the_sample_is_not() -> None:
    lines = set((ROOT / ".gitignore").read_text().splitlines())
    assert {".venv/", ".dagster/", "data/lake/"} <= lines
    assert not lines & {"data/", "data/sources/", "*.jsonl", "*.lock"}


def test_dagster_s_three_doors_name_the_same_module() -> None:
    module = PROJECT["tool"]["dg"]["project"]["code_location_target_module"]
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text())
    assert workspace == {"load_from": [{"python_module": module}]}
    assert f"-m {module} " in (ROOT / "Makefile").read_text()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_can_be_planned_and_is_listed(target: str) -> None:
    planned = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert planned.returncode == 0, planned.stderr
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"make {target} " in listed


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_says_which_python_it_needs(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "requirements.lock", "dagster.yaml"):
        (tmp_path / name).touch()
    result = subprocess.run(["make", "test", "PYTHON="], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "Python 3.11 is needed" in result.stderr


def test_the_ci_script_is_executable_and_parses() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
