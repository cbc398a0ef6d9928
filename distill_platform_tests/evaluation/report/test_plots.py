"""Figures: one per question, each with its message; whatever the run, they draw or say why not."""

import math
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.evaluation.report.plots import Panel, panels
from distill_platform.evaluation.report.plots.equity import drawdowns
from distill_platform.evaluation.report.plots.selection import density_of_maximum
from distill_platform.evaluation.report.view import (
    ContributionView,
    CostView,
    DailyView,
    FoldView,
    RegimeView,
    ReportView,
    ScenarioView,
    TrialsView,
)
from distill_platform.stats import drawdown, expected_max_z
from distill_platform_tests.evaluation.report import views

ANY_FLOAT = st.one_of(st.floats(), st.floats(-3, 3))
RETURNS = st.lists(st.one_of(st.floats(-0.2, 0.2), ANY_FLOAT), min_size=1, max_size=80)
MOMENTS = st.integers(365, 80_000).map(lambda day: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day))
NAMES = st.text(max_size=30)


def named(view: ReportView) -> dict[str, Panel]:
    return {panel.name: panel for panel in panels(view)}


def well_formed(panel: Panel) -> None:
    if panel.svg:
        ElementTree.fromstring(panel.svg.replace("xlink:href", "href"))
    else:
        assert panel.title.endswith("not measured")
        assert panel.caption


@st.composite
def fold_views(draw: Any) -> FoldView:
    start, length = draw(MOMENTS), draw(st.integers(0, 1000))
    split = draw(st.one_of(st.sampled_from(["search", "validation", "forward_oos"]), NAMES))
    return FoldView(
        draw(st.integers(-5, 99)), split, start, start + timedelta(days=length), draw(ANY_FLOAT), draw(ANY_FLOAT)
    )


@st.composite
def any_views(draw: Any) -> ReportView:
    net, first = np.array(draw(RETURNS)), draw(st.integers(400, 60_000))
    days = (first + np.arange(len(net)) * draw(st.integers(1, 40))).astype("datetime64[D]")
    floats = [draw(ANY_FLOAT) for _ in range(16)]
    numbers = {name: draw(ANY_FLOAT) for name, value in views.METRICS.items() if isinstance(value, float)}
    return views.view(
        metrics={**views.METRICS, **numbers},
        daily=DailyView(days, net, net + draw(st.floats(-0.01, 0.01))),
        folds=tuple(draw(st.lists(fold_views(), max_size=4))),
        scenarios=(ScenarioView(draw(NAMES), *floats[:4], draw(st.none() | ANY_FLOAT)),),
        costs=CostView(tuple(zip(floats[4:7], floats[7:10], strict=True)), floats[10]),
        trials=TrialsView(draw(st.integers(1, 10**9)), 1, 1, 0, 0, *floats[11:16]),
        regimes=(RegimeView(draw(NAMES), draw(st.integers(0, 999)), *floats[2:6]),),
        contributions=(ContributionView(draw(NAMES), *floats[6:9]),),
    )


@given(any_views())
@settings(max_examples=25)
def test_any_run_is_drawn_or_says_why_not(view: ReportView) -> None:
    for panel in panels(view):
        well_formed(panel)
        assert len(panel.svg) < 300_000


def test_every_figure_of_a_full_run_is_drawn() -> None:
    drawn = named(views.view())
    assert list(drawn) == [
        "equity",
        "selection",
        "folds",
        "costs",
        "stress",
        "rolling",
        "tails",
        "regimes",
        "contributions",
    ]
    assert all(panel.svg for panel in drawn.values())
    for panel in drawn.values():
        well_formed(panel)


def test_titles_state_the_message() -> None:
    drawn = named(views.view())
    assert drawn["selection"].title == "1.05 a year is not above the 1.31 that luck gives the best of 51 trials"
    assert drawn["costs"].title == "Trading may cost 4.2 bps more before nothing is left"
    assert drawn["stress"].title == "Worst under spread_x3: Sharpe ratio −0.18"
    assert drawn["regimes"].title == "Loses in high volatility: Sharpe ratio −0.42 over 453 days"
    assert drawn["folds"].title.endswith("folds made money out of sample; the worst −3.6 %")


@pytest.mark.parametrize("view", [views.bare(), views.bare(1, 0.01), views.bare(400), views.bare(400, 0.0)])
def test_what_cannot_be_drawn_says_why(view: ReportView) -> None:
    for panel in panels(view):
        well_formed(panel)
    assert named(view)["folds"].caption == "No folds table was handed in."


@pytest.mark.parametrize("n_days", [1, 2, 20, 181, 252, 3650, 26_000])
def test_runs_of_any_length_are_drawn(n_days: int) -> None:
    drawn = named(views.view(daily=views.daily(n_days)))
    assert drawn["equity"].svg
    assert len(drawn["equity"].svg) < 200_000
    assert bool(drawn["rolling"].svg) == (n_days >= 180)


def test_a_ruined_run_is_drawn_to_its_end() -> None:
    daily = views.daily(300)
    net = daily.net.copy()
    net[150] = -1.0
    drawn = named(views.view(daily=replace(daily, net=net)))
    assert drawn["equity"].svg
    assert drawn["tails"].title.startswith("Worst day −100.0 %")


@given(st.lists(st.floats(-0.9, 0.9), min_size=1, max_size=50))
def test_the_drawdown_drawn_is_the_drawdown_of_the_statistics(returns: list[float]) -> None:
    drawn = drawdowns(np.cumsum(np.log1p(returns)))
    assert drawn.min() == pytest.approx(drawdown(returns).max_drawdown, abs=1e-12)


@pytest.mark.parametrize("n_trials", [1, 2, 51, 10_000])
def test_the_density_of_the_maximum_is_one(n_trials: int) -> None:
    z = np.linspace(-9, 9, 4001)
    density = density_of_maximum(z, n_trials)
    assert np.trapezoid(density, z) == pytest.approx(1.0)
    assert np.trapezoid(z * density, z) == pytest.approx(expected_max_z(n_trials, "exact"), abs=1e-6)


@pytest.mark.parametrize(
    "name", ["<script>", "$x^2$", "a\nb", "\u202egnp", "漢字", "\x00", "a" * 500, "]]>", "&amp;", ""]
)
def test_foreign_names_are_text_and_nothing_else(name: str) -> None:
    drawn = views.view(
        scenarios=(ScenarioView(name, -0.2, 0.1, 0.1, 0.1),),
        regimes=(RegimeView(name, 3, -0.2, 0.1, 0.1, 0.1),),
        contributions=(ContributionView(name, 0.3, 0.1, 0.5),),
        folds=(FoldView(0, name, views.START, views.START + timedelta(days=900), 0.1, 0.2),),
    )
    for panel in panels(drawn):
        well_formed(panel)
        assert "<script" not in panel.svg


def test_a_figure_can_be_read_aloud() -> None:
    for panel in panels(views.view()):
        root = ElementTree.fromstring(panel.svg.replace("xlink:href", "href"))
        assert root.get("role") == "img"
        assert root.get("aria-label") == panel.title


def test_not_looked_at_is_not_the_same_as_zero() -> None:
    trials = TrialsView(1, 1, 1, 0, 0, math.nan, math.nan, math.nan, math.nan, math.nan)
    facts = dict(named(views.view(trials=trials))["selection"].facts)
    assert facts["Deflated Sharpe ratio (DSR)"] == "not measured"
