"""The same view gives the same bytes: in another process, another time zone, another locale, in several threads."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib as mpl

from distill_platform.core import canon
from distill_platform.evaluation.report.document import report_document
from distill_platform.evaluation.report.index import index_page, index_row
from distill_platform.evaluation.report.markdown import markdown
from distill_platform.evaluation.report.page import html
from distill_platform.evaluation.report.view import ReportView
from distill_platform_tests.evaluation.report import views


def digest(view: ReportView) -> str:
    written = [html(view), markdown(view), index_page([index_row(view, "r.html")])]
    document = canon.dumps(report_document(view))
    return hashlib.sha256(b"".join([text.encode() for text in written] + [document])).hexdigest()


def elsewhere(**environment: str) -> str:
    root = Path(__file__).parents[3]
    code = f"from {__name__} import digest, views; print(digest(views.view()))"
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": str(root), **environment},
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found.stdout.strip()


def test_another_process_writes_the_same_bytes() -> None:
    here = digest(views.view())
    assert elsewhere(PYTHONHASHSEED="1", TZ="Pacific/Auckland", LC_ALL="C") == here
    assert elsewhere(PYTHONHASHSEED="77", TZ="America/New_York", LC_ALL="C.UTF-8") == here


def test_threads_do_not_disturb_each_other() -> None:
    wanted = [views.view(), views.passing(), views.bare()]
    alone = [digest(view) for view in wanted]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(digest, wanted * 3)) == alone * 3


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    before = dict(mpl.rcParams)
    html(views.view())
    assert dict(mpl.rcParams) == before


def test_who_reads_no_figures_does_not_wait_for_matplotlib() -> None:
    code = (
        "import sys; from distill_platform.evaluation.report import index, markdown, page;"
        "from distill_platform_tests.evaluation.report import views; markdown.markdown(views.view());"
        "print('matplotlib' in sys.modules); page.html(views.view()); print('matplotlib.pyplot' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
