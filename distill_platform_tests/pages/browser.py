"""A real browser, where one is installed: what it makes of a page."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MARKS = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no browser is installed")]


def browse(page: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Return what the browser says of a page; it must complain of nothing."""
    profile = f"--user-data-dir={page.parent / 'profile'}"
    found = subprocess.run(
        [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", profile, "--enable-logging=stderr", *arguments,
         page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in found.stderr, found.stderr
    return found


def width_in(page: Path, width: int) -> int:
    """Return how wide a page becomes in a window of that width; `page` is written over.

    A copy without the policy that forbids it tells the frame around it.
    """
    tell = "<script>parent.postMessage(document.documentElement.scrollWidth, '*')</script></body>"
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    page.with_name("inner.html").write_text(free.replace("</body>", tell), encoding="utf-8")
    listen = "<script>addEventListener('message', told => document.title = told.data)</script>"
    page.write_text(f'{listen}<iframe src="inner.html" width="{width}" height="900"></iframe>', encoding="utf-8")
    title = re.search(r"<title>(\d+)</title>", browse(page, "--virtual-time-budget=3000", "--dump-dom").stdout)
    assert title is not None
    return int(title[1])


def printed_pages(page: Path) -> int:
    """Return on how many sheets a page is printed."""
    printed = page.with_suffix(".pdf")
    browse(page, "--no-pdf-header-footer", f"--print-to-pdf={printed}")
    return len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes()))
