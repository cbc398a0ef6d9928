"""Terms: what the runs of a call have in common, and the sealed manifest of a run under them.

Whoever decides in a run, a graph of nodes or a model, its manifest is made here: the same bars, costs and words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from pydantic import JsonValue

from distill_platform.core.canon import sig_hash
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.bundles.manifest import (
    SCHEMA_VERSION,
    ManifestNode,
    ModelReference,
    Profiles,
    RunManifest,
    RunWindow,
    Search,
    Stage,
)
from distill_platform.strategies.bundles.repro import repro_hash
from distill_platform.strategies.engine.backtest import CAPITAL
from distill_platform.strategies.engine.costs import CostProfile, ExecutionLimits
from distill_platform.strategies.market.market import Market
from distill_platform.strategies.words import DataRegime, RunSource, ScoreSource

_UNSEALED = "0" * 64


@dataclass(frozen=True)
class Terms:
    """What all runs of a call have in common: for whom, at what cost, on whose word."""

    world_id: str
    cohort_id: str
    campaign_id: str
    costs: CostProfile
    run_source: RunSource
    score_source: ScoreSource
    data_regime: DataRegime
    code_version: str
    commit_sha: str
    max_participation: float = math.inf
    rebalance_band: float = 0.0
    capital: float = CAPITAL


class Decider(TypedDict):
    """What a manifest says of whoever decided in the run, and of the trial that the run is."""

    strategy_id: str
    search: Search
    nodes: list[ManifestNode]
    seeds: dict[str, JsonValue]
    rounding: dict[str, JsonValue]
    sizing: dict[str, JsonValue]
    ablation_spec: dict[str, Any] | None
    parent_run_id: str | None
    model: ModelReference | None
    ensemble_policy: str | None


def sealed_manifest(
    decider: Decider, market: Market, terms: Terms, limits: ExecutionLimits, told_apart_by: Sequence[Any] = ()
) -> RunManifest:
    """Return the manifest of a run on a market, with its hash and its name.

    The name follows from what the run is, whom it is for and what else it is `told_apart_by`, so that the same call
    names the same run again; `as_of` is the last moment of the data, not the time of the call. Raises pydantic's
    ValidationError for what no manifest can hold.
    """
    unsealed = RunManifest(
        schema_version=SCHEMA_VERSION,
        run_id="unsealed",
        world_id=terms.world_id,
        stage=Stage.BACKTEST,
        run_source=terms.run_source,
        score_source=terms.score_source,
        data_regime=terms.data_regime,
        commit_sha=terms.commit_sha,
        code_version=terms.code_version,
        data_preset=market.preset,
        dataset_fingerprint=market.fingerprint,
        as_of=market.end,
        window=RunWindow(start=market.start, end=market.end),
        profiles=_profiles(limits, market.bars, terms.costs),
        cohort_id=terms.cohort_id,
        campaign_id=terms.campaign_id,
        supersedes=None,
        repro_hash=_UNSEALED,
        **decider,
    )
    sealed = repro_hash(unsealed)
    whom = [terms.world_id, terms.cohort_id, terms.campaign_id, *told_apart_by]
    word = [terms.run_source.value, terms.score_source.value, terms.data_regime.value]
    run_id = f"{unsealed.strategy_id[:60]}-{sig_hash([sealed, *whom, *word])[:16]}"
    return unsealed.model_copy(update={"repro_hash": sealed, "run_id": run_id})


def _profiles(limits: ExecutionLimits, bars: Bars, costs: CostProfile) -> Profiles:
    fill: dict[str, Any] = {
        "model": "next_bar_close" if bars.open is None else "next_bar_open",
        "lot_size": limits.lot_size,
        "min_notional": limits.min_notional,
        "max_notional": _finite(limits.max_notional),
        "max_participation": _finite(limits.max_participation),
        "rebalance_band": limits.rebalance_band,
    }
    return Profiles(
        fee={"model": "proportional", "bps": costs.fee_bps},
        slippage={"model": "proportional", "bps": costs.slippage_bps},
        fill=fill,
        funding={"model": "on_gross_holdings", "bps_daily": costs.funding_bps_daily},
    )


def _finite(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None
