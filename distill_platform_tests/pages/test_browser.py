"""Every kind of page in a real browser: nothing is refused, nothing is cut off, and it prints."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from distill_platform.evaluation.report import index as run_index
from distill_platform.evaluation.report.page import html as run_page
from distill_platform.feeds.health_page import HealthDay, health_page
from distill_platform.feeds.schemas import BREACHES, HEALTH
from distill_platform.models.report import index as model_index
from distill_platform.models.report.page import html as model_page
from distill_platform_tests.evaluation.report import hostile, views
from distill_platform_tests.feeds.test_health_page import source
from distill_platform_tests.models.report import made_reports as made
from distill_platform_tests.pages.browser import MARKS, browse, printed_pages, width_in

pytestmark = MARKS
LONG = "<script>document.title='owned'</script>" + "W" * 150


def _health() -> str:
    health = pa.Table.from_pylist([source("gdelt"), source(LONG)], HEALTH)
    breaches = pa.Table.from_pylist([{"source": LONG, "breach": LONG}], BREACHES)
    return health_page([HealthDay(date(2026, 4, number), health, breaches) for number in range(1, 8)])


def _models() -> str:
    rows = [model_index.index_row(view, "x.html") for view in (made.view(), made.view_with(LONG))]
    return model_index.index_page(rows)


PAGES = {
    "run": lambda: run_page(views.view()),
    "bare run": lambda: run_page(views.bare()),
    "hostile run": lambda: run_page(hostile.view_with(LONG)),
    "runs": lambda: run_index.index_page([run_index.index_row(views.view(), "full.html")]),
    "candidate": lambda: model_page(made.view()),
    "promoted candidate": lambda: model_page(made.promoted()),
    "arm": lambda: model_page(made.bare()),
    "hostile candidate": lambda: model_page(made.view_with(LONG)),
    "models": _models,
    "health": _health,
}


@pytest.fixture(params=sorted(PAGES))
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "page.html"
    file.write_text(PAGES[request.param](), encoding="utf-8")
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
