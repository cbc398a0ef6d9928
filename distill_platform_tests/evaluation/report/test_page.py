"""The report as one page: safe, self-contained, and complete."""

import re
import time

import pytest

from distill_platform.evaluation.report.page import html, status_of
from distill_platform_tests.evaluation.report import hostile, views
from distill_platform_tests.pages.outline import Outline


@pytest.fixture(scope="module")
def page() -> str:
    return html(views.view())


def test_the_page_is_well_formed_and_asks_for_nothing(page: str) -> None:
    outline = Outline(page)
    names = {tag for tag, _ in outline.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "link", "form", "base", "foreignobject"}
    assert all(link.startswith("#") for link in outline.links)
    assert not re.search(r"url\((?!#)|@import|https?:(?!//www.w3.org)", page)
    assert not any(name.startswith("on") for _, names in outline.tags for name in names)


def test_the_page_forbids_scripts_and_requests(page: str) -> None:
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    assert f'http-equiv="Content-Security-Policy" content="{policy}"' in page


def test_the_verdict_stands_before_the_figures(page: str) -> None:
    words = " ".join(Outline(page).words)
    places = [words.index(text) for text in ("Refused at stage 2", "at least 0.95", "Stage gates", "The run", "Months")]
    assert places == sorted(places)


def test_every_metric_and_every_origin_is_there(page: str) -> None:
    words = " ".join(Outline(page).words)
    for name in views.METRICS:
        assert name.partition(".")[2] in words
    for value in ("b" * 64, "c" * 64, "d" * 64, "3f9c2a1", "ohlcv.sp500.daily", "2024-06-01T00:00:00Z"):
        assert value in words


def test_what_was_not_measured_is_said_and_not_left_blank() -> None:
    outline = Outline(html(views.bare()))
    words = " ".join(outline.words)
    for said in (
        "Walk-forward: not measured", "No folds table was handed in.", "The world's policy has no stage gates",
        "Selection bias: not measured", "No rule was executed", "No other strategy to compare with.", "Not looked at.",
        "No run with a node switched off", "no day has a net return", "pnl_sums_match",
    ):  # fmt: skip
        assert said in words
    assert "nan" not in words.lower().split()


@pytest.mark.parametrize(
    "view", [views.bare(1), views.bare(1, 0.02), views.bare(300, 0.0), views.view(daily=views.daily(1))]
)
def test_poor_runs_have_a_page_too(view: object) -> None:
    Outline(html(view))  # type: ignore[arg-type]


@pytest.mark.parametrize("n_days", [3650, 26_000])
def test_a_long_run_stays_below_a_megabyte_and_a_half(n_days: int) -> None:
    assert len(html(views.view(daily=views.daily(n_days)))) < 500_000


@pytest.fixture(scope="module")
def harmless() -> Outline:
    return Outline(html(hostile.view_with("harmless")))


@pytest.mark.parametrize("text", hostile.TEXTS)
def test_foreign_text_changes_no_tag(text: str, harmless: Outline) -> None:
    assert Outline(html(hostile.view_with(text))).tags == harmless.tags


def test_foreign_text_is_shown_with_all_it_holds() -> None:
    words = " ".join(Outline(html(hostile.view_with("safe\u202egnp<b>\x00"))).words)
    assert "safe[U+202E]gnp<b>[U+0000]" in words
    assert "\u202e" not in words


def test_a_closed_gate_is_never_green() -> None:
    assert status_of(views.passing()) == "pass"
    stopped = (*views.OPEN_GATES[:2], views.gate("stage2_wf", "fail", "wf.oos_sum_pnl > 0 does not hold"))
    assert status_of(views.passing(gates=stopped)) == "warn"
    assert status_of(views.passing(broken=("fee_nonzero",))) == "fail"
    assert status_of(views.view()) == "fail"


@pytest.mark.slow
def test_a_page_takes_less_than_four_tenths_of_a_second() -> None:
    html(views.view())
    times = []
    for _ in range(5):
        start = time.perf_counter()
        html(views.view())
        times.append(time.perf_counter() - start)
    assert min(times) < 0.4
