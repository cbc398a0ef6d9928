"""Overfitting controls: luck that was searched for is seen through, and a true edge does not hide itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.evaluation.cohort.hurdle import deflated_sharpe, variance_of_luck
from distill_platform.evaluation.cohort.overfitting import days_a_year, overfitting_controls
from distill_platform.evaluation.trials import TrialRecord
from distill_platform.stats import dsr, expected_max_z, pbo_cscv, psr, sharpe, spa
from distill_platform_tests.evaluation.made_trials import FIRST_DAY, cohort, digest, member, record_of, trial

DICE = np.random.default_rng(11)
PANEL = DICE.normal(0.0004, 0.01, (640, 12))
MEMBERS, RECORDS = cohort(PANEL)
BEST = int((PANEL.mean(axis=0) / PANEL.std(axis=0)).argmax())
BEST_ID = f"run-{BEST:03d}"


def dsr_of_best(records: list[TrialRecord]) -> Any:
    return overfitting_controls(MEMBERS, records).by_run[BEST_ID]["robustness.deflated_sharpe_ratio"]


@given(st.integers(12, 10_000), st.integers(1, 10_000))
def test_deflated_sharpe_rises_with_trials(declared: int, more: int) -> None:
    """It must fall."""
    few, many = (
        deflated_sharpe(PANEL[:, BEST], digest(BEST_ID), n_trials, RECORDS).probability
        for n_trials in (declared, declared + more)
    )
    assert many < few


def test_declared_trials_deflate_though_nobody_handed_them_in() -> None:
    assert dsr_of_best([*RECORDS, trial("declared", content=BEST_ID, declared_trials=500)]) < dsr_of_best(RECORDS)


def test_failing_runs_superseded_until_the_mean_passes() -> None:
    """Each attempt is a trial for good: the last one is judged as the best of all of them."""
    attempts = [trial(f"attempt-{n}", sharpe=None, supersedes=f"attempt-{n - 1}" if n else None) for n in range(30)]
    honest, pretended = dsr_of_best([*RECORDS, *attempts]), dsr_of_best(RECORDS)
    assert overfitting_controls(MEMBERS, [*RECORDS, *attempts]).trials.n == 42
    assert honest < pretended


def test_one_deterministic_run_counted_twenty_times() -> None:
    copies = [member(f"copy-{number:02d}", PANEL[:, BEST], content="the one run") for number in range(20)]
    found = overfitting_controls(copies, [record_of(copy) for copy in copies])
    assert found.shared["cohort.n_runs"] == 1
    assert found.by_run["copy-00"]["sample.completed_runs"] == 1
    assert math.isnan(found.shared["robustness.pbo"])
    assert len(found.repeated) == 19
    assert found.notes == ("PBO needs two different runs to choose from; there are 1.",)


def test_every_strategy_completes_its_own_runs() -> None:
    others = [trial(f"other-{number}", strategy_id="carry") for number in range(5)]
    others += [trial("paper", stage="paper"), trial("abroad", world_id="fx_daily")]
    broken, ablated = trial("broken", sound=False), trial("without", ablation=digest("x"))
    found = overfitting_controls(MEMBERS, [*RECORDS, *others, broken, ablated])
    assert found.by_run[BEST_ID]["sample.completed_runs"] == 12


def test_a_strategy_is_ranked_among_others_not_among_its_own_runs() -> None:
    ratios = {
        "a": ("trend", 1.0),
        "b": ("trend", 3.0),
        "c": ("carry", 2.0),
        "d": ("value", 2.0),
        "e": ("idle", math.nan),
    }
    runs = [
        member(run_id, PANEL[:, n], strategy_id=strategy, sharpe_annual=ratio)
        for n, (run_id, (strategy, ratio)) in enumerate(ratios.items())
    ]
    found = overfitting_controls(runs, [record_of(run) for run in runs]).by_run
    assert [found[run_id]["cohort.rank"] for run_id in "abcd"] == [3, 1, 2, 3]
    assert math.isnan(found["e"]["cohort.rank"])


def test_search_intensity_is_trials_per_day() -> None:
    found = overfitting_controls(MEMBERS, [*RECORDS, trial("declared", declared_trials=64)])
    assert found.by_run[BEST_ID]["diagnostics.search_intensity"] == 0.1


def test_shared_numbers_are_those_of_the_statistics() -> None:
    found = overfitting_controls(MEMBERS, RECORDS)
    ordered = np.column_stack([run.net for run in sorted(MEMBERS, key=lambda run: run.content_sha256)])
    assert found.shared["robustness.pbo"] == pbo_cscv(ordered, 16).pbo
    assert found.shared["robustness.reality_check_p"] == spa(ordered, n_resamples=1000, seed=0).p.consistent
    assert found.shared["cohort.sharpe_median"] == pytest.approx(np.median([run.sharpe_annual for run in MEMBERS]))
    assert found.shared["cohort.sharpe_variance"] == pytest.approx(np.var([sharpe(run.net) for run in MEMBERS], ddof=1))
    dsrs = [found.by_run[run.run_id]["robustness.deflated_sharpe_ratio"] for run in MEMBERS]
    assert found.shared["cohort.dsr_median"] == pytest.approx(np.median(dsrs))
    assert (found.n_blocks, found.n_days, found.notes) == (16, 640, ())
    assert found.metrics_of(BEST_ID).keys() == found.by_run[BEST_ID].keys() | found.shared.keys()


def test_names_and_order_change_no_number() -> None:
    renamed = [member(f"z{n}", run.net, content=run.run_id) for n, run in enumerate(MEMBERS)]
    records = [record_of(run) for run in renamed]
    found, other = overfitting_controls(MEMBERS, RECORDS), overfitting_controls(renamed[::-1], records[::-1])
    assert other.shared == found.shared
    assert other.by_run[f"z{BEST}"] == found.by_run[BEST_ID]


def test_the_hurdle_is_the_dsr_against_all_other_trials() -> None:
    spread = [trial(f"t{n}", sharpe=ratio, n_days=640) for n, ratio in enumerate([-0.2, -0.1, 0.05, 0.15, 0.3])]
    net = PANEL[:, BEST]
    found = deflated_sharpe(net, digest("judged"), 40, [*spread, trial("judged", sharpe=9.0)])
    variance = np.var([record.sharpe or 0.0 for record in spread], ddof=1)
    assert found.probability == pytest.approx(dsr(net, var_trials=float(variance), n_trials=40), rel=1e-12)
    assert found.expected_max_sharpe == pytest.approx(math.sqrt(variance) * expected_max_z(40))


def test_a_true_edge_does_not_raise_its_own_hurdle() -> None:
    edge = trial("edge", sharpe=0.5)
    nulls = [trial(f"null-{n}", sharpe=ratio) for n, ratio in enumerate(DICE.normal(0, 0.04, 40).tolist())]
    for copies in (1, 3):
        same = [edge.model_copy(update={"run_id": f"edge-{copy}"}) for copy in range(copies)]
        assert variance_of_luck(1260, digest("edge"), [*same, *nulls]) == variance_of_luck(1260, digest("x"), nulls)


def test_look_alikes_of_the_winner_do_not_lower_the_hurdle() -> None:
    """Fifty copies with a jitter vary by nothing; luck still does."""
    alike = [trial(f"jitter-{n}", sharpe=0.1 + n * 1e-9, n_days=640, declared_trials=1000) for n in range(50)]
    assert variance_of_luck(640, digest("jitter-0"), alike) == 1 / 639
    assert variance_of_luck(640, digest("jitter-0"), []) == 1 / 639


def test_a_short_trial_is_compared_in_its_own_standard_errors() -> None:
    long = [trial(f"long-{n}", sharpe=z / math.sqrt(1259)) for n, z in enumerate((-2.0, 2.0, -2.0, 2.0))]
    short = [trial(f"short-{n}", sharpe=z / math.sqrt(9), n_days=10) for n, z in enumerate((-2.0, 2.0, -2.0, 2.0))]
    assert variance_of_luck(1260, digest("x"), long) == pytest.approx(16 / 3 / 1259)
    assert variance_of_luck(1260, digest("x"), [*long, *short]) == pytest.approx(32 / 7 / 1259)


def test_numbers_of_broken_runs_count_as_trials_but_are_not_believed() -> None:
    broken = [trial(f"broken-{n}", sound=False, sharpe=(-1.0) ** n * 50) for n in range(4)]
    assert variance_of_luck(1260, digest("x"), broken) == 1 / 1259
    assert overfitting_controls(MEMBERS, [*RECORDS, *broken]).trials.n == 16


def test_a_single_trial_is_its_psr() -> None:
    alone = member("alone", PANEL[:, 0])
    found = overfitting_controls([alone], [record_of(alone)]).metrics_of("alone")
    assert found["robustness.deflated_sharpe_ratio"] == pytest.approx(psr(PANEL[:, 0]), rel=1e-12)
    assert (found["robustness.n_trials"], found["robustness.expected_max_sharpe"]) == (1, 0.0)


def test_runs_that_the_ledger_forgot_are_trials() -> None:
    assert overfitting_controls(MEMBERS, []).by_run[BEST_ID]["robustness.n_trials"] == 12


def test_what_luck_shows_is_told_by_the_year() -> None:
    weekdays = FIRST_DAY + np.flatnonzero(np.arange(896) % 7 < 5)
    run = member("weekdays", PANEL[:, 0], weekdays)
    assert days_a_year(run) == pytest.approx(365 * 5 / 7, rel=0.005)
    found = overfitting_controls([run], [record_of(run, declared_trials=50)]).by_run["weekdays"]
    expected = expected_max_z(50) / math.sqrt(639) * math.sqrt(365 * 640 / 894)
    assert found["robustness.expected_max_sharpe"] == pytest.approx(expected)


def test_a_short_cohort_has_fewer_blocks_and_says_so() -> None:
    members, records = cohort(PANEL[:130])
    found = overfitting_controls(members, records)
    assert (found.n_blocks, len(found.notes)) == (6, 1)
    members, records = cohort(PANEL[:79])
    found = overfitting_controls(members, records)
    assert math.isnan(found.shared["robustness.pbo"])
    assert math.isnan(found.shared["robustness.reality_check_p"])
    assert "they have 79 in common" in found.notes[0]


def test_a_run_on_other_days_is_named() -> None:
    apart = member("apart", PANEL[:300, 0], content="apart")
    found = overfitting_controls([*MEMBERS, apart], RECORDS)
    assert found.apart == ("apart",)
    assert found.notes == (
        "1 of 13 runs lack more than a tenth of the cohort's days and are left out of PBO and reality check: apart.",
    )
    assert found.shared["robustness.pbo"] == overfitting_controls(MEMBERS, RECORDS).shared["robustness.pbo"]


@pytest.mark.parametrize("net", [np.zeros(640), np.full(640, 0.001), np.empty(0)])
def test_a_run_without_a_sharpe_ratio_passes_nothing(net: Any) -> None:
    idle = member("idle", net)
    found = overfitting_controls([*MEMBERS, idle], [*RECORDS, record_of(idle)])
    assert math.isnan(found.by_run["idle"]["robustness.deflated_sharpe_ratio"])
    assert math.isfinite(found.shared["cohort.dsr_median"])
    alone = overfitting_controls([idle], [record_of(idle)])
    assert math.isnan(alone.shared["cohort.dsr_median"])
    assert math.isnan(alone.shared["cohort.sharpe_median"])


def test_an_empty_cohort_has_no_numbers() -> None:
    found = overfitting_controls([], [])
    assert (found.by_run, found.trials.n, found.shared["cohort.n_runs"]) == ({}, 0, 0)
    assert math.isnan(found.shared["robustness.pbo"])


def test_a_reality_check_tells_luck_from_an_edge() -> None:
    rng = np.random.default_rng(3)
    nulls = rng.normal(0, 0.01, (1260, 30))
    edge = nulls.copy()
    edge[:, 0] += 0.01 * 3 / math.sqrt(252)
    luck, skill = (overfitting_controls(*cohort(panel)).shared["robustness.reality_check_p"] for panel in (nulls, edge))
    assert skill < 0.01 < 0.05 < luck


@pytest.mark.slow
def test_the_best_of_fifty_without_skill_passes_in_one_of_a_hundred_cohorts_at_most() -> None:
    """Also where trials share half of their variance, so that their Sharpe ratios vary less than luck does."""
    rng, passed = np.random.default_rng(5), 0
    for _ in range(1_000):
        panel = rng.standard_normal((1260, 50)) + rng.standard_normal((1260, 1))
        ratios = panel.mean(axis=0) / panel.std(axis=0, ddof=1)
        records = [trial(f"run-{n}", sharpe=float(ratio)) for n, ratio in enumerate(ratios)]
        best = int(ratios.argmax())
        passed += deflated_sharpe(panel[:, best], digest(f"run-{best}"), 50, records).probability >= 0.95
    assert passed <= 10
