"""The public surface: listed, documented, and cheap to import."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from distill_platform import stats

ROOT = Path(__file__).parents[2]


def test_every_listed_name_is_there_once_and_every_name_is_listed() -> None:
    imported = {name for name, found in vars(stats).items() if not name.startswith("_") and not inspect.ismodule(found)}
    assert len(stats.__all__) == len(set(stats.__all__))
    assert set(stats.__all__) == imported


@pytest.mark.parametrize("name", [name for name in stats.__all__ if not name.isupper()])
def test_every_public_name_says_what_it_returns(name: str) -> None:
    doc = inspect.getdoc(getattr(stats, name))
    assert doc
    first = doc.splitlines()[0]
    if inspect.isfunction(getattr(stats, name)):
        assert first.startswith(("Return", "Yield")), first


@pytest.mark.parametrize("name", [name for name in stats.__all__ if inspect.isfunction(getattr(stats, name))])
def test_every_function_stands_in_the_page_about_conventions(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")


def test_importing_compiles_nothing_and_needs_no_numba() -> None:
    code = "import sys, distill_platform.stats; assert not {'numba', 'scipy', 'pandas', 'pyarrow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
