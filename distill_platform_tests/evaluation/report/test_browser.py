"""The page in a real browser: nothing is refused, nothing is cut off, and it prints."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from distill_platform.evaluation.report.index import index_page, index_row
from distill_platform.evaluation.report.page import html
from distill_platform_tests.evaluation.report import hostile, views

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no browser is installed")]
PAGES = {
    "full": html(views.view()),
    "bare": html(views.bare()),
    "hostile": html(hostile.view_with("<script>document.title='owned'</script>" + "W" * 150)),
    "index": index_page([index_row(views.view(), "full.html")]),
}


def browse(page: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        str(BROWSER),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={page.parent / 'profile'}",
    ]
    found = subprocess.run(
        [*command, "--enable-logging=stderr", *arguments, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "CONSOLE" not in found.stderr, found.stderr
    return found


@pytest.fixture(params=sorted(PAGES))
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / f"{request.param}.html"
    file.write_text(PAGES[request.param], encoding="utf-8")
    return file


def test_the_browser_reads_the_page_as_written_and_complains_of_nothing(page: Path) -> None:
    read = browse(page, "--dump-dom").stdout
    assert read.count("<svg") == page.read_text().count("<svg")
    assert "<title>owned" not in read


@pytest.mark.parametrize("width", [380, 1120])
def test_the_page_is_no_wider_than_the_window(page: Path, width: int) -> None:
    """A copy without the policy that forbids it tells the frame around it how wide it became."""
    tell = "<script>parent.postMessage(document.documentElement.scrollWidth, '*')</script></body>"
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    page.with_name("inner.html").write_text(free.replace("</body>", tell), encoding="utf-8")
    listen = "<script>addEventListener('message', told => document.title = told.data)</script>"
    page.write_text(f'{listen}<iframe src="inner.html" width="{width}" height="900"></iframe>', encoding="utf-8")
    title = re.search(r"<title>(\d+)</title>", browse(page, "--virtual-time-budget=3000", "--dump-dom").stdout)
    assert title is not None
    assert int(title[1]) <= width


def test_the_page_prints(page: Path, tmp_path: Path) -> None:
    printed = tmp_path / "printed.pdf"
    browse(page, "--no-pdf-header-footer", f"--print-to-pdf={printed}")
    pages = len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes()))
    assert 1 <= pages <= 9
