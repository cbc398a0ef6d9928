"""Each truth is what it says: in its returns, not in its name."""

import math
from pathlib import Path

import numpy as np
import pytest

from distill_platform.evaluation.metrics import run_metrics, terms_of
from distill_platform.evaluation.metrics.daily import daily_series
from distill_platform.evaluation.metrics.integrity import integrity
from distill_platform.evaluation.metrics.steps import read_steps
from distill_platform.evaluation.regression.cohorts import HandedIn, handed_in, tariff_of
from distill_platform.evaluation.regression.simulating import Tariff, simulate
from distill_platform.evaluation.regression.truths import Expected, Nature, Outcome, Truth, expected, nature, search
from distill_platform.evaluation.trials import honest_trials, trial_of
from distill_platform.policy.catalogue import CATALOGUE
from distill_platform.policy.catalogue.stress import scenario_metrics
from distill_platform.strategies.bundles.account import Account
from distill_platform.strategies.bundles.reading import read_bundle
from distill_platform.strategies.bundles.sealing import write_bundle
from distill_platform_tests.evaluation.worlds import world

WORLD = world()
TARIFF = Tariff(1.0, 1.0, 0.0)
MANY = 40


def drawn(made: Nature, count: int = MANY) -> list[Account]:
    """Several runs of one nature."""
    return [simulate(made, TARIFF, np.random.default_rng(seed)) for seed in range(count)]


def sharpe(returns: np.ndarray, steps_per_day: int = 1) -> float:
    return float(returns.mean() / returns.std(ddof=1) * math.sqrt(261 * steps_per_day))


def wildness(account: Account) -> np.ndarray:
    """The weather of each step: positions are sized to it."""
    size = np.abs(account.exposure)
    return np.searchsorted(np.unique(size.round(9)), size.round(9) - 1e-9)


def given(truth: Truth) -> HandedIn:
    return handed_in(truth, WORLD, 7, 0)


def test_good_earns_its_sharpe_ratio_after_costs() -> None:
    runs = drawn(nature(Truth.GOOD))
    error = 1.0 / math.sqrt(6.0 * MANY)
    assert np.mean([sharpe(run.net) for run in runs]) == pytest.approx(2.5, abs=4 * error)
    assert np.mean([run.net.std() * math.sqrt(261) for run in runs]) == pytest.approx(0.10, rel=0.02)
    assert all((run.fee.sum() > 0.0) and (run.slippage.sum() > 0.0) for run in runs)


def test_null_and_overfit_have_no_edge_and_pay_for_it() -> None:
    for truth in (Truth.NULL, Truth.OVERFIT):
        runs = drawn(nature(truth))
        error = 1.0 / math.sqrt(6.0 * MANY)
        assert np.mean([sharpe(run.gross) for run in runs]) == pytest.approx(0.0, abs=4 * error)
        assert all(sharpe(run.net) < sharpe(run.gross) for run in runs)


def test_the_judged_null_is_the_best_of_all_that_were_tried_and_all_are_declared() -> None:
    for truth, count in ((Truth.NULL, 20), (Truth.OVERFIT, 500)):
        found = given(truth)
        records = [trial_of(bundle, True) for bundle in found.bundles]
        ratios = [record.sharpe or 0.0 for record in records]
        assert honest_trials(records).n == count == search(truth).declared
        assert ratios == sorted(ratios, reverse=True)
        assert len({record.content_sha256 for record in records}) == 20


def test_a_leaked_run_knows_the_sign_of_the_day() -> None:
    hits = [float((np.sign(run.exposure) == np.sign(run.benchmark)).mean()) for run in drawn(nature(Truth.LEAKED), 10)]
    honest = [float((np.sign(run.exposure) == np.sign(run.benchmark)).mean()) for run in drawn(nature(Truth.GOOD), 10)]
    assert np.mean(hits) == pytest.approx(0.85, abs=0.02)
    assert max(honest) < 0.6
    assert min(sharpe(run.net) for run in drawn(nature(Truth.LEAKED))) > 8.0


def test_a_cost_free_run_records_no_cost_and_would_lose_by_what_it_owes() -> None:
    for run in drawn(nature(Truth.COST_FREE), 10):
        assert not run.fee.any()
        assert not run.slippage.any()
        owed = run.turnover * 2e-4
        assert sharpe(run.net, 4) > 1.0
        assert sharpe(run.net - owed, 4) < 0.5
    assert np.mean([sharpe(run.net - run.turnover * 2e-4, 4) for run in drawn(nature(Truth.COST_FREE))]) < 0.0
    found = given(Truth.COST_FREE).judged
    assert (found.manifest.profiles.fee["bps"], found.manifest.profiles.slippage["bps"]) == (0.0, 0.0)


def test_a_short_run_is_thirty_days_long() -> None:
    assert given(Truth.SHORT).judged.steps.num_rows == 30


def test_a_levered_run_is_a_good_one_times_eight() -> None:
    runs = drawn(nature(Truth.LEVERED))
    assert np.mean([run.net.std() * math.sqrt(261) for run in runs]) == pytest.approx(0.80, rel=0.02)
    assert np.mean([sharpe(run.net) for run in runs]) == pytest.approx(2.5, abs=0.3)
    assert min(deepest_fall(run) for run in runs) > 0.25
    assert max(deepest_fall(run) for run in drawn(nature(Truth.GOOD))) < 0.25


def deepest_fall(account: Account) -> float:
    equity = np.cumprod(1.0 + account.net)
    return float((1.0 - equity / np.maximum.accumulate(equity)).max())


def test_an_inactive_run_sits_on_its_hands() -> None:
    run = given(Truth.INACTIVE).judged
    exposure = run.steps["exposure"].to_numpy()
    assert 0 < (exposure != 0.0).sum() < 0.05 * len(exposure)
    assert not run.steps["ret_net"].to_numpy()[exposure == 0.0].any()
    assert run_metrics(run, terms_of(WORLD)).metrics["triage.no_activity"] is True


def test_a_regime_dependent_run_lives_on_calm_markets_alone() -> None:
    by_weather = [
        [sharpe(run.net[weather == place]) for place in range(3)]
        for run in drawn(nature(Truth.REGIME_DEPENDENT))
        for weather in [wildness(run)]
    ]
    wild, ordinary, calm = np.mean(by_weather, axis=0)
    assert (calm, ordinary) == (pytest.approx(6.0, abs=0.6), pytest.approx(6.0, abs=0.6))
    assert wild == pytest.approx(-7.0, abs=0.6)


def test_the_edge_of_an_unstable_run_dies_halfway() -> None:
    halves = [[sharpe(half) for half in np.array_split(run.net, 2)] for run in drawn(nature(Truth.UNSTABLE))]
    before, after = np.mean(halves, axis=0)
    assert before == pytest.approx(5.5, abs=0.4)
    assert -0.6 < after < 0.2


@pytest.mark.parametrize("truth", Truth)
def test_every_run_is_a_whole_bundle_that_nothing_contradicts_but_costs_that_are_not_there(
    truth: Truth, tmp_path: Path
) -> None:
    bundle = given(truth).judged
    steps = read_steps(bundle)
    broken = integrity(bundle, steps, daily_series(steps), None).broken
    assert broken == (("fee_nonzero", "friction_recorded") if truth is Truth.COST_FREE else ())
    tables = {
        name: table for name in ("steps", "trades", "daily", "orders", "folds") if (table := getattr(bundle, name))
    }
    read = read_bundle(write_bundle(tmp_path, bundle.manifest, tables), now=bundle.manifest.as_of)
    assert read.manifest == bundle.manifest
    assert all(getattr(read, name) == table for name, table in tables.items())


def test_a_run_pays_what_its_world_charges_and_a_basis_point_where_that_is_nothing() -> None:
    assert tariff_of(WORLD) == Tariff(1.0, 1.0, 0.0)
    costs = {"fee_bps": 3.0, "slippage_bps": 0.0, "funding_bps_daily": 0.5}
    dear = world({"costs": costs})
    assert tariff_of(dear) == Tariff(3.0, 1.0, 0.5)
    assert tariff_of(world({"costs": None})) == Tariff(1.0, 1.0, 0.0)
    steps = read_steps(handed_in(Truth.GOOD, dear, 7, 0).judged)
    assert steps.fee.sum() == pytest.approx(steps.turnover.sum() * 3e-4)
    assert steps.funding.sum() == pytest.approx(np.abs(steps.exposure).sum() * 0.5e-4)


def test_only_good_runs_are_to_get_through_and_all_others_are_stopped_for_a_reason() -> None:
    assert [truth for truth in Truth if expected(truth).must_pass] == [Truth.GOOD]
    for truth in set(Truth) - {Truth.GOOD}:
        assert expected(truth).reasons
        assert Outcome.STOPPED in expected(truth).outcomes


def test_reasons_are_metrics_of_the_catalogue() -> None:
    known = [*CATALOGUE, *(metric.name for metric in scenario_metrics("worst_regime"))]
    for truth in Truth:
        for reason in expected(truth).reasons:
            assert any(Expected(frozenset(), (reason,)).is_reason(name) for name in known), reason


def test_the_manual_describes_every_truth() -> None:
    page = (Path(__file__).parents[3] / "docs" / "regression.md").read_text(encoding="utf-8")
    for truth in Truth:
        fate = {
            frozenset({Outcome.STOPPED}): "stopped",
            frozenset({Outcome.STOPPED, Outcome.WATCHED}): "stopped or watched",
        }
        row = next(line for line in page.splitlines() if line.startswith(f"| `{truth}` |"))
        assert f"| {fate.get(expected(truth).outcomes, 'let through')} |" in row
