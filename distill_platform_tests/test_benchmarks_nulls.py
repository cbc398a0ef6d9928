"""The study of luck goes through the real functions: its runs hold together, and an edge is what it is said to be."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

from benchmarks.nulls.hurdles import ESTIMATES, Setting, shares
from benchmarks.nulls.judging import Cohort, _bundle, cost_bps, world
from benchmarks.nulls.market import DAYS, Kind
from benchmarks.nulls.strategies import RUNS, draw
from benchmarks.nulls.study import LEVELS, Study, run_study, trial
from benchmarks.nulls.table import to_markdown
from distill_platform.evaluation.metrics import run_metrics

pytestmark = pytest.mark.skipif(importlib.util.find_spec("skfolio") is None, reason="its data come with skfolio")


@pytest.mark.parametrize("kind", Kind)
def test_strategies_hand_in_sound_runs(kind: Kind) -> None:
    drawn = draw(kind, np.random.default_rng(1))
    for book in (drawn.books[0], drawn.books[1].with_edge(2.0, cost_bps())):
        found = run_metrics(_bundle(book, drawn), world()[1])
        assert found.broken == ()
        assert found.metrics["invariants.pnl_sums_match"] is True
        assert found.metrics["triage.no_activity"] is False


def test_an_edge_is_what_it_is_said_to_be() -> None:
    """Over many draws the mean return after costs over the volatility is the Sharpe ratio that was asked for."""
    ratios = []
    for seed in range(16):
        books = draw(Kind.REAL, np.random.default_rng(seed)).books[:10]
        nets = [book.with_edge(1.5, cost_bps()).net(cost_bps()) for book in books]
        ratios += [net.mean() / net.std(ddof=1) * math.sqrt(252) for net in nets]
    assert abs(float(np.mean(ratios)) - 1.5) < 3.5 * float(np.std(ratios)) / math.sqrt(len(ratios))


def test_strategies_without_skill_earn_nothing_before_costs() -> None:
    drawn = [draw(Kind.REAL, np.random.default_rng(seed)) for seed in range(10)]
    t = np.concatenate([[book.gross.mean() / book.gross.std() for book in each.books] for each in drawn]) * DAYS**0.5
    assert abs(t.mean()) < 0.2
    assert 0.9 < t.std() < 1.15


def test_a_trial_is_the_same_each_time_and_tells_luck_from_an_edge() -> None:
    found = trial(Kind.REAL, 7, 0)
    assert trial(Kind.REAL, 7, 0) == found
    assert len(found.edges) == len(LEVELS)
    assert [verdict.t for verdict in found.edges] == sorted(verdict.t for verdict in found.edges)
    assert not found.nulls[0].reaches_stage3
    assert found.edges[-1].reaches_stage3
    text = to_markdown([Study(Kind.REAL, [found])])
    assert "stage2_wf" in text
    assert "nan" not in text


def test_every_strategy_of_a_cohort_counts_as_a_trial() -> None:
    drawn = draw(Kind.SKEWED, np.random.default_rng(3))
    cohort = Cohort(drawn, drawn.books)
    assert len(cohort.t) == RUNS
    assert cohort.judge(int(cohort.t.argmax())).dsr < 0.95


def test_the_hurdle_study_has_a_share_for_each_estimate() -> None:
    found = shares(Setting("normal", trials=10), cohorts=3, seed=1)
    assert {name for name, _ in found} == set(ESTIMATES)
    assert all(0.0 <= share <= 1.0 for share in found.values())


@pytest.mark.slow
def test_workers_do_not_change_the_study() -> None:
    one, two = (run_study(Kind.AUTOCORRELATED, 12, 7, workers, lambda _: None) for workers in (1, 2))
    assert one == two
