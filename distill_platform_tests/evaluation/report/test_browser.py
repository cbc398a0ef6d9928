"""The page in a real browser: nothing is refused, nothing is cut off, and it prints."""

from pathlib import Path

import pytest

from distill_platform.evaluation.report.index import index_page, index_row
from distill_platform.evaluation.report.page import html
from distill_platform_tests.evaluation.report import hostile, views
from distill_platform_tests.pages.browser import MARKS, browse, printed_pages, width_in

pytestmark = MARKS
PAGES = {
    "full": html(views.view()),
    "bare": html(views.bare()),
    "hostile": html(hostile.view_with("<script>document.title='owned'</script>" + "W" * 150)),
    "index": index_page([index_row(views.view(), "full.html")]),
}


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
    assert width_in(page, width) <= width


def test_the_page_prints(page: Path) -> None:
    assert 1 <= printed_pages(page) <= 9
