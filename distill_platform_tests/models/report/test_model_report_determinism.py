"""The same report gives the same bytes: in another process, another time zone, another locale."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from distill_platform.models.report.index import index_page, index_row
from distill_platform.models.report.markdown import markdown
from distill_platform.models.report.page import html
from distill_platform_tests.models.report import made_reports as made


def digest() -> str:
    written = [write(view) for write in (html, markdown) for view in (made.view(), made.bare())]
    written.append(index_page([index_row(made.view(), "r.html")]))
    return hashlib.sha256("".join(written).encode()).hexdigest()


def elsewhere(code: str, **environment: str) -> str:
    root = Path(__file__).parents[3]
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env={**os.environ, "PYTHONPATH": str(root), **environment},
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found.stdout.strip()


def test_another_process_writes_the_same_bytes() -> None:
    code = f"from {__name__} import digest; print(digest())"
    assert elsewhere(code, PYTHONHASHSEED="1", TZ="Pacific/Auckland", LC_ALL="C") == digest()


def test_who_reads_no_figures_waits_for_no_heavy_library() -> None:
    code = (
        "import sys; from distill_platform.feeds import health_page;"
        "from distill_platform.models.report import building, index, markdown, page;"
        "heavy = {'matplotlib', 'jinja2', 'torch', 'lightgbm', 'sklearn', 'optuna'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    assert elsewhere(code) == "[]"
