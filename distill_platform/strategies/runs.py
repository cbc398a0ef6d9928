"""Runs: strategy graphs through the engine, each with the manifest that seals what it was and what it assumed.

All runs of one call are trials of one campaign, ablated variants included: each says how many there were.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distill_platform.core.canon import sig_hash
from distill_platform.core.errors import ConfigError
from distill_platform.strategies.ablation import AblationVariant, variants
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.bundles.manifest import RunManifest, Search
from distill_platform.strategies.computing import target_weights
from distill_platform.strategies.engine.backtest import BacktestResult, backtest
from distill_platform.strategies.engine.costs import ExecutionLimits
from distill_platform.strategies.graph import StrategyGraph, execution_params, manifest_nodes
from distill_platform.strategies.market.market import Market
from distill_platform.strategies.terms import Decider, Terms, sealed_manifest
from distill_platform.strategies.words import Ablate

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True)
class Trial:
    """One of the runs to make: a strategy, or a variant of the strategy that stands at `base` in the list of trials."""

    graph: StrategyGraph
    index: int
    base: int
    ablation: AblationVariant | None = None

    @property
    def name(self) -> str:
        """Return what to call it in a table."""
        if self.ablation is None:
            return self.graph.strategy_id
        target = self.ablation.spec.target
        part = target.group or target.node or target.subgraph
        return f"{self.graph.strategy_id} without {part} ({self.ablation.spec.stub})"


@dataclass(frozen=True, eq=False)
class Run:
    """A run that was made: its trial, its manifest and its numbers."""

    trial: Trial
    manifest: RunManifest
    result: BacktestResult


def trials_of(graphs: Sequence[StrategyGraph], ablate: Ablate) -> list[Trial]:
    """Return the runs to make: each strategy, followed by its variants.

    Raises ConfigError for a strategy that stands twice: it would be one trial, not two.
    """
    trials: list[Trial] = []
    for graph in graphs:
        if any(graph.graph_hash == trial.graph.graph_hash for trial in trials):
            raise ConfigError(f"strategy {graph.strategy_id!r} is given twice", hint="Name every graph once")
        base = len(trials)
        trials.append(Trial(graph, base, base))
        chosen = (variant for variant in variants(graph) if _is_wanted(variant, ablate))
        trials.extend(Trial(found.graph, base + 1 + place, base, found) for place, found in enumerate(chosen))
    return trials


def cohort_of(trials: Sequence[Trial], market: Market) -> str:
    """Return the name of the cohort of these trials on this market, for whoever gives it none."""
    hashes = sorted(trial.graph.graph_hash for trial in trials)
    return f"backtest-{sig_hash([hashes, market.fingerprint])[:12]}"


def make_run(trial: Trial, trials: Sequence[Trial], market: Market, terms: Terms) -> Run:
    """Return what a trial came to on a market.

    Raises ConfigError for bars of another interval than the strategy's; other errors: `target_weights`, `backtest`.
    """
    _refuse_interval(trial.graph, market.bars)
    limits = execution_limits(trial.graph, terms)
    weights = target_weights(trial.graph, market.bars)
    result = backtest(weights, market.bars, terms.costs, limits, capital=terms.capital, benchmark=market.benchmark)
    parent = None if trial.ablation is None else manifest_of(trials[trial.base], trials, market, terms).run_id
    return Run(trial, manifest_of(trial, trials, market, terms, parent), result)


def execution_limits(graph: StrategyGraph, terms: Terms) -> ExecutionLimits:
    """Return the limits of a strategy's own execution node, within those of the terms."""
    declared = execution_params(graph)
    return ExecutionLimits(
        lot_size=declared.lot or 0.0,
        min_notional=declared.min_notional or 0.0,
        max_notional=declared.max_notional or math.inf,
        max_participation=terms.max_participation,
        rebalance_band=terms.rebalance_band,
    )


def manifest_of(
    trial: Trial, trials: Sequence[Trial], market: Market, terms: Terms, parent: str | None = None
) -> RunManifest:
    """Return the manifest of a trial's run; `parent` is the run_id of the strategy that a variant was made from."""
    graph = trial.graph
    decider = Decider(
        strategy_id=graph.strategy_id,
        search=Search(
            declared_trials=len(trials), trial_index=trial.index, parameters={"graph_hash": graph.graph_hash}
        ),
        nodes=manifest_nodes(graph),
        seeds={},
        rounding={"lots": "toward_zero", "money": "float64"},
        sizing={"method": "target_weight", "capital": terms.capital},
        ablation_spec=None if trial.ablation is None else trial.ablation.sealed(),
        parent_run_id=parent,
        model=None,
        ensemble_policy=None,
    )
    return sealed_manifest(decider, market, terms, execution_limits(graph, terms))


def _is_wanted(variant: AblationVariant, ablate: Ablate) -> bool:
    return ablate is Ablate.ALL or ablate is (Ablate.NODES if variant.spec.target.group is None else Ablate.GROUPS)


def _refuse_interval(graph: StrategyGraph, bars: Bars) -> None:
    """Refuse bars that do not lie one interval of the strategy apart, as most of them must: it counts in bars."""
    wanted = int(graph.interval[:-1]) * _UNITS[graph.interval[-1]]
    apart = float(np.median(np.diff(bars.ts))) / 1e9 if len(bars) > 1 else wanted
    if apart != wanted:
        hint = "Its windows are counted in bars: give it bars of that length"
        message = f"strategy {graph.strategy_id!r} is made for bars of {graph.interval}, these are {apart:g} s apart"
        raise ConfigError(message, hint=hint)
