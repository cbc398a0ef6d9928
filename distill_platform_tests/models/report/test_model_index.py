"""The index of models: what was recommended first, and why the others were refused."""

from dataclasses import replace

from distill_platform.models.report.index import index_page, index_row
from distill_platform.models.report.view import ModelReportView
from distill_platform_tests.evaluation.report.hostile import TEXTS
from distill_platform_tests.models.report import made_reports as made
from distill_platform_tests.pages.outline import Outline


def of_week(view: ModelReportView, week: str, name: str) -> ModelReportView:
    return replace(view, identity=replace(view.identity, week=week, name=name))


def test_the_newest_week_comes_first_and_in_it_what_is_recommended() -> None:
    views = [
        of_week(made.bare(), "2026-04-20", "an_arm"), of_week(made.view(), "2026-04-20", "no_good"),
        of_week(made.promoted(), "2026-04-20", "promoted"), of_week(made.view(), "2026-04-27", "newest"),
    ]  # fmt: skip
    page = index_page([index_row(view, f"{view.identity.name}.html") for view in views])
    outline = Outline(page)
    assert outline.links == ["newest.html", "promoted.html", "no_good.html", "an_arm.html"]
    said = " ".join(outline.words)
    assert "4 models: 1 recommended, 2 refused and 1 to compare with." in said
    assert "btc_hourly, week 2026-04-27" in said


def test_the_reasons_are_counted_over_all_models() -> None:
    page = index_page([index_row(made.view(), link) for link in ("a", "b")])
    said = " ".join(" ".join(Outline(page).words).split())
    assert "not better than arm 2" in said


def test_an_index_of_nothing_says_so() -> None:
    assert "No model was trained." in index_page([])


def test_a_name_cannot_break_out_of_the_index() -> None:
    wanted = Outline(index_page([index_row(made.view_with("harmless"), "x")])).tags
    for text in TEXTS:
        row = index_row(made.view_with(text), text.encode("utf-8", "replace").decode())
        assert Outline(index_page([row])).tags == wanted
