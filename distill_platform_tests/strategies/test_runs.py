"""A strategy becomes a run: what its manifest seals, who its parent is, and how many were tried."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distill_platform.core.errors import ConfigError
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.bundles.repro import repro_hash
from distill_platform.strategies.engine.costs import CostProfile
from distill_platform.strategies.graph import StrategyGraph, load_graph
from distill_platform.strategies.market.market import Market
from distill_platform.strategies.runs import Run, Trial, cohort_of, make_run, trials_of
from distill_platform.strategies.terms import Terms
from distill_platform.strategies.words import Ablate, DataRegime, RunSource, ScoreSource

STRATEGIES = Path(__file__).parents[2] / "config/strategies"
DAY = 86_400 * 10**9
TERMS = Terms(
    "world", "cohort", "campaign", CostProfile(1.0, 2.0, 0.5), RunSource.PROD, ScoreSource.HEURISTIC,
    DataRegime.MAINTENANCE_REPLAY, "0.1.0+abc", "commit",
)  # fmt: skip


@pytest.fixture(scope="module")
def graph() -> StrategyGraph:
    return load_graph(STRATEGIES / "equal_weight_vol_target.yaml")


def market(every: int = DAY, count: int = 400) -> Market:
    closes = 50.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0005, 0.01, (count, 6)), axis=0))
    return Market("made.up", Bars(10_000 * DAY + every * np.arange(count), tuple("ABCDEF"), closes))


def made(trials: list[Trial], terms: Terms = TERMS, on: Market | None = None) -> list[Run]:
    return [make_run(trial, trials, on or market(), terms) for trial in trials]


def test_every_variant_is_a_trial_and_all_of_them_are_declared(graph: StrategyGraph) -> None:
    runs = made(trials_of([graph], Ablate.GROUPS))
    assert len(runs) > 1
    assert [run.manifest.search.trial_index for run in runs] == list(range(len(runs)))
    assert {run.manifest.search.declared_trials for run in runs} == {len(runs)}
    assert len({run.manifest.run_id for run in runs}) == len(runs)


def test_a_variant_names_its_parent_and_what_was_taken_out(graph: StrategyGraph) -> None:
    other = load_graph(STRATEGIES / "low_volatility.yaml")
    runs = made(trials_of([other, graph], Ablate.GROUPS))
    parents = {run.manifest.strategy_id: run.manifest.run_id for run in runs if run.trial.ablation is None}
    for run in runs:
        variant = run.trial.ablation is not None
        assert run.manifest.parent_run_id == (parents[run.manifest.strategy_id] if variant else None)
        assert (run.manifest.ablation_spec is not None) == variant
        assert ("without" in run.trial.name) == variant


def test_groups_and_nodes_can_be_asked_for_apart(graph: StrategyGraph) -> None:
    count = {ablate: len(trials_of([graph], ablate)) for ablate in Ablate}
    assert count[Ablate.NONE] == 1 < min(count[Ablate.GROUPS], count[Ablate.NODES])
    assert count[Ablate.ALL] == count[Ablate.GROUPS] + count[Ablate.NODES] - 1


def test_a_manifest_seals_what_the_run_assumed(graph: StrategyGraph) -> None:
    (run,) = made(trials_of([graph], Ablate.NONE), replace(TERMS, max_participation=0.1))
    manifest = run.manifest
    assert manifest.repro_hash == repro_hash(manifest)
    assert (manifest.profiles.fee["bps"], manifest.profiles.slippage["bps"]) == (1.0, 2.0)
    assert manifest.profiles.funding["bps_daily"] == 0.5
    assert manifest.profiles.fill["model"] == "next_bar_close"
    assert (manifest.profiles.fill["max_participation"], manifest.profiles.fill["max_notional"]) == (0.1, None)
    assert manifest.as_of == manifest.window.end == run.result.steps["ts_end"][-1].as_py()
    assert manifest.dataset_fingerprint == market().fingerprint


def test_the_same_call_makes_the_same_run_whoever_else_is_in_it(graph: StrategyGraph) -> None:
    (alone,) = made(trials_of([graph], Ablate.NONE))
    beside = made(trials_of([load_graph(STRATEGIES / "low_volatility.yaml"), graph], Ablate.NONE))[1]
    assert alone.manifest.run_id == beside.manifest.run_id
    assert len(alone.result.trades) > 0
    assert all(table.equals(beside.result.tables()[name]) for name, table in alone.result.tables().items())


@pytest.mark.parametrize(
    "change",
    [
        {"costs": CostProfile(1.0, 2.5, 0.5)}, {"cohort_id": "other"}, {"world_id": "other"}, {"capital": 2e6},
        {"run_source": RunSource.SMOKE}, {"code_version": "0.1.1"}, {"rebalance_band": 0.01},
    ],
)  # fmt: skip
def test_another_run_has_another_name(change: dict[str, object], graph: StrategyGraph) -> None:
    trials = trials_of([graph], Ablate.NONE)
    names = [
        make_run(trials[0], trials, market(), terms).manifest.run_id for terms in (TERMS, replace(TERMS, **change))
    ]  # type: ignore[arg-type]
    assert names[0] != names[1]


def test_a_cohort_has_a_name_of_its_own(graph: StrategyGraph) -> None:
    one, all_ = trials_of([graph], Ablate.NONE), trials_of([graph], Ablate.GROUPS)
    assert cohort_of(one, market()) == cohort_of(one, market()) != cohort_of(all_, market())


def test_the_same_strategy_twice_is_one_trial_not_two(graph: StrategyGraph) -> None:
    with pytest.raises(ConfigError, match="given twice"):
        trials_of([graph, graph], Ablate.NONE)


def test_bars_of_another_interval_are_refused(graph: StrategyGraph) -> None:
    with pytest.raises(ConfigError, match="made for bars of 1d, these are 3600 s apart"):
        made(trials_of([graph], Ablate.NONE), on=market(every=DAY // 24))


def test_weekends_do_not_make_daily_bars_anything_else(graph: StrategyGraph) -> None:
    days = np.array([day for day in range(10_000, 10_400) if day % 7 < 5]) * DAY
    week = Market("made.up", Bars(days, tuple("ABCDEF"), market(count=len(days)).bars.close))
    (run,) = made(trials_of([graph], Ablate.NONE), on=week)
    assert len(run.result.steps) == len(days)
