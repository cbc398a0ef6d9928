"""Model runs: a model hands in a run bundle like any strategy, and is judged by the same court.

The steps of a run cover the validation and the forward window, in which the model is only scored. The search window
comes along as folds: what the scores out of fold made there, at the same costs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from distill_platform.core.errors import ModelError
from distill_platform.models.frames import FeatureFrame, Floats, FrameVersions
from distill_platform.models.policy import TABULAR_ONLY, Policy
from distill_platform.models.positions import SizingSettings, score_panel, target_weights
from distill_platform.models.scoring import Scorer
from distill_platform.models.validation.windows import Window, Windows
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.bundles.manifest import (
    ManifestNode,
    ModelReference,
    RunManifest,
    Search,
    SemanticRole,
)
from distill_platform.strategies.bundles.tables import FOLDS, FoldSplit
from distill_platform.strategies.engine.backtest import BacktestResult, backtest
from distill_platform.strategies.engine.costs import ExecutionLimits
from distill_platform.strategies.market.market import Market
from distill_platform.strategies.terms import Decider, Terms, sealed_manifest
from distill_platform.strategies.words import ScoreSource

PARTS = 4
"""Folds that each window is reported in."""

_MICROSECOND = 1_000


@dataclass(frozen=True, eq=False)
class Contender:
    """A model that wants to be judged, and all that it decided.

    `scores` has shape (T, N), one row per bar of the market from the search window on: out of fold within the search
    window, by the fitted model after it; NaN where it has none. `scale` is their unit (`blending.fit_scale`, 1.0 for an
    ensemble's). `policy` is None for a control arm. `parameters` are those of its trial, number `trial_index` of
    `declared_trials`: all that were ever tried for it, pruned and failed ones too.
    """

    line: str
    name: str
    policy: str | None
    model: ModelReference
    versions: FrameVersions
    scores: Floats = field(repr=False)
    scale: float
    seeds: Mapping[str, int]
    declared_trials: int
    trial_index: int
    parameters: Mapping[str, Any]

    @property
    def strategy_id(self) -> str:
        """Return under which name it is judged: the model line's and its own."""
        return f"{self.line}.{self.name}"


@dataclass(frozen=True, eq=False)
class ModelRun:
    """A model's run: its manifest, its numbers after the search window, and the tables of its bundle."""

    manifest: RunManifest
    result: BacktestResult
    tables: dict[str, pa.Table] = field(repr=False)


def decided_scores(
    model: Scorer, features: FeatureFrame, search: FeatureFrame, out_of_fold: Floats, windows: Windows, bars: Bars
) -> Floats:
    """Return a contender's scores by bar and symbol, shape (T, N): out of fold within the search window, then its own.

    `features` are those of all windows, `out_of_fold` the scores of the rows of `search`, in the model's unit. What the
    model says of the window that it was fitted on is never among them. Errors: `score_panel`.
    """
    own = np.where(features.ts >= windows.search.end_ns, model.scores(features), np.nan)
    before = score_panel(search, np.where(search.ts < windows.search.end_ns, out_of_fold, np.nan), bars)
    after = score_panel(features, own, bars)
    return np.where(np.isfinite(after), after, before)


def make_model_run(
    contender: Contender, market: Market, windows: Windows, terms: Terms, sizing: SizingSettings, bar_ns: int
) -> ModelRun:
    """Return the run of a contender on a market that reaches from the search window's start to the forward one's end.

    Costs are those of `terms`, sealed by the world. The same call makes the same run to the byte. Raises ModelError for
    terms that do not say that a model scored, a policy that there is none of, scores that do not fit the market, a
    market without bars in each window, and what no manifest can hold. Other errors: `target_weights`, `backtest`.
    """
    if terms.score_source is not ScoreSource.MODEL:
        raise ModelError(f"a model's run must say score_source model, not {terms.score_source}")
    if contender.scores.shape != (len(market.bars), len(market.bars.symbols)):
        shape = (len(market.bars), len(market.bars.symbols))
        raise ModelError(f"scores of shape {contender.scores.shape} do not fit a market of {shape}")
    _refuse_other_policy(contender)
    after = Window(windows.validation.start_ns, windows.forward.end_ns)
    searched, judged = (_traded(contender, market, span, terms, sizing, bar_ns) for span in (windows.search, after))
    seen = _cut(market, after)
    tables = {**judged.tables(), "folds": _folds(searched, judged, windows)}
    return ModelRun(_manifest(contender, seen, terms, sizing), judged, tables)


def _refuse_other_policy(contender: Contender) -> None:
    try:
        Policy.parse(TABULAR_ONLY if contender.policy is None else contender.policy)
    except ValueError as error:
        raise ModelError(f"{contender.strategy_id}: {error}") from None


def _traded(
    contender: Contender, market: Market, span: Window, terms: Terms, sizing: SizingSettings, bar_ns: int
) -> BacktestResult:
    """Return what the contender made in a span of time, from cash; nothing it decided before counts."""
    seen = _cut(market, span)
    weights = target_weights(
        contender.scores[_inside(market.bars, span)], seen.bars.ts, contender.scale, sizing, bar_ns
    )
    limits = _limits(terms, sizing)
    return backtest(weights, seen.bars, terms.costs, limits, capital=terms.capital, benchmark=seen.benchmark)


def _limits(terms: Terms, sizing: SizingSettings) -> ExecutionLimits:
    return ExecutionLimits(max_participation=terms.max_participation, rebalance_band=sizing.rebalance_band)


def _inside(bars: Bars, span: Window) -> slice:
    """Return the bars that end after the start and not after the end, as a slice: whole days of a window of weeks."""
    start, stop = np.searchsorted(bars.ts, [span.start_ns, span.end_ns], side="right")
    if stop - start < 2 * PARTS:
        hint = "Collect bars for all three windows, or move the training week"
        raise ModelError(f"the market has {int(stop - start)} bars in a window, too few to be judged by", hint=hint)
    return slice(int(start), int(stop))


def _cut(market: Market, span: Window) -> Market:
    rows = _inside(market.bars, span)
    benchmark = None if market.benchmark is None else market.benchmark[rows]
    return replace(market, bars=market.bars.rows(rows.start, rows.stop), benchmark=benchmark)


def _folds(searched: BacktestResult, judged: BacktestResult, windows: Windows) -> pa.Table:
    """Return each window in parts, oldest first: the profit in it, and what the search window made in as many bars.

    The profit in sample is out of fold: what the model knew by heart would make a mockery of the comparison.
    """
    rate = math.fsum(searched.book.ret_net) / len(searched.book.ret_net)
    spans = (
        (FoldSplit.SEARCH, searched, windows.search),
        (FoldSplit.VALIDATION, judged, windows.validation),
        (FoldSplit.FORWARD_OOS, judged, windows.forward),
    )
    rows = [row for split, result, span in spans for row in _parts(split, result, span, rate)]
    return pa.Table.from_pylist([{"fold": number, **row} for number, row in enumerate(rows)], schema=FOLDS.columns)


def _parts(split: FoldSplit, result: BacktestResult, span: Window, rate: float) -> list[dict[str, Any]]:
    """Return the parts of one window; each is the steps that end after its start and not after its end."""
    ts = result.book.bars.ts
    first, last = np.searchsorted(ts, [span.start_ns, span.end_ns], side="right").tolist()
    edges = np.linspace(first, last, PARTS + 1).round().astype(int).tolist()
    return [
        {
            "split": split.value,
            "start": int(ts[begin - 1] if begin else span.start_ns) // _MICROSECOND,
            "end": int(ts[stop - 1]) // _MICROSECOND,
            "pnl_is": rate * (stop - begin),
            "pnl_oos": math.fsum(result.book.ret_net[begin:stop]),
        }
        for begin, stop in pairwise(edges)
    ]


def _manifest(contender: Contender, market: Market, terms: Terms, sizing: SizingSettings) -> RunManifest:
    try:
        decider = _decider(contender, terms, sizing)
        return sealed_manifest(decider, market, terms, _limits(terms, sizing), [decider["search"].model_dump()])
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(map(str, detail["loc"])) or "its root"
        raise ModelError(f"{contender.strategy_id[:80]}: no run can say so at {place}: {detail['msg']}") from None


def _decider(contender: Contender, terms: Terms, sizing: SizingSettings) -> Decider:
    return Decider(
        strategy_id=contender.strategy_id,
        search=Search(
            declared_trials=contender.declared_trials,
            trial_index=contender.trial_index,
            parameters=dict(contender.parameters),
        ),
        nodes=_nodes(contender, sizing),
        seeds=dict(contender.seeds),
        rounding={"lots": "none", "money": "float64"},
        sizing={"method": "held_scores", "capital": terms.capital, "scale": contender.scale, **sizing.model_dump()},
        ablation_spec=None,
        parent_run_id=None,
        model=contender.model,
        ensemble_policy=contender.policy,
    )


def _nodes(contender: Contender, sizing: SizingSettings) -> list[ManifestNode]:
    """Return the graph of a model: bars become features, a score, a position and orders."""
    versions = contender.versions
    seen = {"schema_hash": versions.schema_hash, "feature_version": versions.feature_version}
    data = {"data_version": versions.data_version, "lineage_id": versions.lineage_id}
    chain: list[tuple[str, SemanticRole, str, str | None, dict[str, Any]]] = [
        ("bars", SemanticRole.RAW_INPUT, "market_data", None, data),
        ("features", SemanticRole.FEATURE, "model_features", "features", seen),
        ("score", SemanticRole.SIGNAL, "model_score", "model", contender.model.model_dump()),
        ("position", SemanticRole.INTENT, "score_sizing", "sizing", sizing.model_dump()),
        ("orders", SemanticRole.EXECUTION, "next_bar", None, {}),
    ]
    before = [[], *([node_id] for node_id, *_ in chain)]
    return [
        ManifestNode(
            node_id=node_id, semantic_role=role, family=family, ablation_group=group, inputs=inputs, params=params
        )
        for (node_id, role, family, group, params), inputs in zip(chain, before, strict=False)
    ]
