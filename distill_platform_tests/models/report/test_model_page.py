"""The page of a model: the verdict first, everything that was measured, and in words what was not."""

import math
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.models.report.markdown import markdown
from distill_platform.models.report.page import html
from distill_platform.models.report.plots import panels
from distill_platform.models.report.view import (
    CalibrationView,
    CostCurveView,
    Decision,
    DriftView,
    ImportanceView,
    InformationUnit,
    InformationView,
    LearningView,
    ModelReportView,
    NullView,
    ReasonView,
    VerdictView,
)
from distill_platform_tests.evaluation.report.hostile import TEXTS
from distill_platform_tests.models.report import made_reports as made
from distill_platform_tests.pages.outline import Outline

NUMBER = st.one_of(st.floats(), st.floats(-2, 2))


def words(view: ModelReportView) -> str:
    return " ".join(" ".join(Outline(html(view)).words).split())


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    page = html(made.view())
    outline = Outline(page)
    assert not {tag for tag, _ in outline.tags} & {"script", "img", "iframe", "object", "embed", "link", "form", "base"}
    assert all(link.startswith("#") for link in outline.links)
    assert not re.search(r"url\((?!#)|@import|https?:(?!//www.w3.org)", page)


def test_the_verdict_stands_before_the_reasons_the_money_and_the_figures() -> None:
    said = words(made.view())
    order = ("Refused for 3 reasons", "What stands against it", "After costs, window by window", "The model", "Folds")
    places = [said.index(text) for text in order]
    assert places == sorted(places)


def test_every_reason_is_there_with_its_code_and_its_numbers() -> None:
    said = words(made.view())
    for reason in made.REASONS:
        assert reason.code in said
        assert reason.sentence[1:] in said
    assert "0.012 0.02 not_better_than_arm" in said


def test_a_promoted_model_is_recommended_and_promoted_by_nobody() -> None:
    said = words(made.promoted())
    assert "Recommended for promotion. It serves nobody before a named person approves." in said
    assert "Nothing speaks against it: every check held." in said
    assert 'header class="pass"' in html(made.promoted())


def test_a_refusal_without_a_reason_is_still_a_refusal() -> None:
    page = html(made.view(verdict=VerdictView(Decision.REFUSED)))
    assert 'header class="fail"' in page
    assert "what is not known is no pass" in page


def test_what_was_not_measured_is_said_and_not_left_blank() -> None:
    said = words(made.bare())
    for text in (
        "A control arm: frozen", "Equity: not measured", "trees and ridges are not trained in epochs",
        "was not held against labels moved in blocks", "an arm that was frozen before this week is only scored",
        "Calibration: not measured", "Nothing was traded", "Importance: not measured", "Drift: not measured",
        "No model without events ran", "Nobody has opened the forward window", "nobody checked the features",
        "it has no teacher", "No run has steps in this window.",
    ):  # fmt: skip
        assert text.lower() in said.lower(), text
    assert "nan" not in said.lower().split()


def test_the_hashes_that_prove_the_training_are_there() -> None:
    said = words(made.view())
    for value in ("d" * 64, "e" * 64, "f" * 64, "a" * 64, "b" * 64, "c" * 64, "student 3, teacher 1", "BTC and ETH"):
        assert value in said


def test_the_page_counts_trials_and_looks_at_the_forward_window() -> None:
    said = words(made.view())
    assert "40 trials in training, pruned and failed ones counted." in said
    assert "5 candidates saw the forward window, or a part of it, in 1 opening." in said


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [(1e-5, 3e-4, "They help."), (-3e-4, -1e-5, "They hurt."), (-1e-4, 2e-4, "Nobody can tell whether they help.")],
)
def test_what_events_add_is_said_as_surely_as_the_interval_allows(low: float, high: float, says: str) -> None:
    found = InformationView((low + high) / 2, low, high, 0.04, 112, InformationUnit.NET_RETURN)
    assert says in words(made.view(information=(found,)))


def test_a_drift_that_is_no_number_stands_first() -> None:
    assert [one.feature for one in made.view().worst_drift] == ["volume_z", "log_return_24", "event_age_h"]


def test_a_model_that_loses_before_costs_has_no_break_even() -> None:
    costs = CostCurveView(((0.0, -0.06), (3.0, -0.15)), -0.06, 0.03, -2.0)
    said = words(made.view(costs=costs))
    assert "Loses before costs: no cost is low enough" in said
    assert "none it loses before costs" in said


@pytest.fixture(scope="module")
def harmless() -> Outline:
    return Outline(html(made.view_with("harmless")))


@pytest.mark.parametrize("text", TEXTS)
def test_foreign_text_changes_no_tag(text: str, harmless: Outline) -> None:
    assert Outline(html(made.view_with(text))).tags == harmless.tags


@pytest.mark.parametrize("text", TEXTS)
def test_foreign_text_starts_nothing_in_markdown(text: str) -> None:
    ours = markdown(made.view_with("harmless"))
    theirs = markdown(made.view_with(text))
    assert len(theirs.splitlines()) == len(ours.splitlines())
    for mine, line in zip(ours.splitlines(), theirs.splitlines(), strict=True):
        assert len(re.findall(r"(?<!\\)\|", line)) == len(re.findall(r"(?<!\\)\|", mine))
        assert not re.search(r"(?<!\\)[<`]", line)


def test_the_markdown_twin_says_what_the_page_says() -> None:
    text = markdown(made.view())
    for said in ("Refused for 3 reasons", "not_better_than_arm", "### Forward", "40 trials in training", "e" * 64):
        assert said in text
    assert markdown(made.bare()).count("\n") < 80


def test_the_figures_that_were_measured_come_first() -> None:
    drawn = [bool(panel.svg) for panel in panels(made.view(learning=None, null=None))]
    assert drawn == sorted(drawn, reverse=True)
    assert len(drawn) == 9


@settings(max_examples=20, deadline=None)
@given(st.lists(NUMBER, min_size=10, max_size=10), st.lists(NUMBER, min_size=1, max_size=9), NUMBER, NUMBER)
def test_whatever_was_measured_is_drawn_or_said(ten: list[float], some: list[float], one: float, two: float) -> None:
    view = made.view(
        null=NullView(one, np.sort(np.array(some)), 0.5, 24),
        learning=LearningView(tuple(some), tuple(some), len(some)),
        calibration=CalibrationView(tuple(ten), tuple(reversed(ten)), tuple(ten), (5,) * 10),
        costs=CostCurveView(((0.0, one), (3.0, two)), one, two, one),
        equity=tuple(replace(line, net=np.resize(np.array(ten), len(line.days))) for line in made.view().equity),
        importance=ImportanceView(tuple((f"x{place}", value) for place, value in enumerate(ten)), 10, 100),
        drift=tuple(DriftView(f"x{place}", value, one) for place, value in enumerate(ten)),
        information=(InformationView(one, two, one, 0.5, 10, InformationUnit.RANK_CORRELATION),),
        folds=tuple(replace(fold, rank_ic=one, mse=two) for fold in made.view().folds),
        verdict=VerdictView(Decision.REFUSED, (ReasonView("code", "it is so", one, two),)),
    )
    for panel in panels(view):
        assert panel.title
        assert panel.caption
        if panel.svg:
            ElementTree.fromstring(panel.svg.replace("xlink:href", "href"))
    Outline(html(view))
    assert "nan" not in markdown(view).lower().split()


def test_a_long_name_is_cut_in_figures_and_whole_in_tables() -> None:
    name = "a_feature_whose_name_says_everything_there_is_to_say_about_it"
    view = made.view(importance=ImportanceView(((name, 0.2),), 1, 10))
    drawn = next(panel for panel in panels(view) if panel.name == "importance")
    assert f">{name}<" not in drawn.svg
    assert name in words(view)


def test_a_mean_over_folds_counts_one_that_orders_nothing_as_zero() -> None:
    folds = made.view().folds[:2]
    view = made.view(folds=(replace(folds[0], rank_ic=math.nan), replace(folds[1], rank_ic=0.04)))
    assert view.mean_rank_ic == pytest.approx(0.02)
    assert math.isnan(made.bare().mean_rank_ic)


def test_a_line_that_asks_less_than_usual_says_so_under_the_reasons() -> None:
    lenient = VerdictView(Decision.RECOMMENDED, asks_less=("promotion.max_p_value is 0.9, not 0.05",))
    said = "The line asks less than usual of its candidates: promotion.max_p_value is 0.9, not 0.05."
    assert said in html(made.view(verdict=lenient))
    assert "asks less" not in html(made.view())
    assert "asks less" in markdown(made.view(verdict=lenient))


def test_luck_is_told_as_the_teacher_s_and_never_as_the_model_s_own() -> None:
    said = words(made.view())
    assert "0.12 the teacher's 99 runs on moved labels" in said
    assert "12 of 99 runs on moved labels reached the teacher's 0.031 or more" in said
    assert "the teacher 0.031" in said
    assert "this model 0." not in said
