"""Schemas: the tables that the models publish, declared once; the first of a dataset is its main one.

The tables of `features` and `training_frame` are one for each line, with the line's features as columns.
"""

from __future__ import annotations

import pyarrow as pa

from distill_platform.feeds.market_bars import MOMENT
from distill_platform.models.column_words import WORDS
from distill_platform.models.predictions.schema import PREDICTIONS
from distill_platform.store.lake.described import described


def _schema(**columns: pa.DataType) -> pa.Schema:
    """Return a schema of columns that are always there; see `_maybe`."""
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])


def _maybe(schema: pa.Schema, **columns: pa.DataType) -> pa.Schema:
    """Return a schema with columns that may be missing behind its own."""
    return pa.schema([*schema, *(pa.field(name, kind) for name, kind in columns.items())])


_TEXT, _COUNT, _NUMBER = pa.string(), pa.int64(), pa.float64()

REFUSED = _schema(line=_TEXT, reason=_TEXT)
LEAKS = _schema(line=_TEXT, feature=_TEXT, ts=MOMENT, cut=MOMENT, experiment=_TEXT)
SUSPICIONS = _schema(line=_TEXT, feature=_TEXT, rank_correlation=_NUMBER, rows=_COUNT, is_of_missingness=pa.bool_())
MODELS = _maybe(
    _schema(
        line=_TEXT,
        name=_TEXT,
        role=_TEXT,
        version=_TEXT,
        artifact_sha256=_TEXT,
        scale=_NUMBER,
        report_sha256=_TEXT,
        report=_TEXT,
    ),
    policy=_TEXT,
    mean_rank_ic=_NUMBER,
)
FOLDS = _maybe(
    _schema(
        line=_TEXT,
        name=_TEXT,
        fold=_COUNT,
        train_rows=_COUNT,
        test_rows=_COUNT,
        purged_rows=_COUNT,
        embargoed_rows=_COUNT,
        overlaps=_COUNT,
    ),
    rank_ic=_NUMBER,
    mse=_NUMBER,
    null_mse=_NUMBER,
)
SCORES = _schema(line=_TEXT, name=_TEXT, ts=MOMENT, symbol=_TEXT, score=_NUMBER)
NULLS = _schema(line=_TEXT, name=_TEXT, observed=_NUMBER, p_value=_NUMBER, block_bars=_COUNT, values=pa.list_(_NUMBER))
BLENDS = _schema(
    line=_TEXT, fold=_COUNT, policy=_TEXT, rank_ic=_NUMBER, tabular_rank_ic=_NUMBER, network_rank_ic=_NUMBER
)
HANDOVERS = _schema(line=_TEXT, stage=_TEXT, n_trials=_COUNT, handover_sha256=_TEXT, handover=_TEXT)
TRIALS = _maybe(_schema(line=_TEXT, number=_COUNT, status=_TEXT, parameters=_TEXT), value=_NUMBER)
WINDOWS = _maybe(
    _schema(
        line=_TEXT,
        name=_TEXT,
        role=_TEXT,
        artifact_sha256=_TEXT,
        window=_TEXT,
        days=_COUNT,
        pnl_after_cost=_NUMBER,
        max_drawdown=_NUMBER,
        turnover_per_day=_NUMBER,
    ),
    sharpe=_NUMBER,
)
OPENINGS = _schema(
    line=_TEXT, number=_COUNT, opened_at=MOMENT, openings=_COUNT, candidates_seen=_COUNT, searched=_COUNT, trials=_COUNT
)
RUNS = _schema(
    line=_TEXT,
    name=_TEXT,
    role=_TEXT,
    run_id=_TEXT,
    artifact_sha256=_TEXT,
    repro_hash=_TEXT,
    code_version=_TEXT,
    commit_sha=_TEXT,
    steps_sha256=_TEXT,
    bundle_sha256=_TEXT,
)
INFORMATION = _maybe(
    _schema(line=_TEXT, measure=_TEXT, days=_COUNT, p=_NUMBER), estimate=_NUMBER, low=_NUMBER, high=_NUMBER
)

DECISIONS = _maybe(
    _schema(
        line=_TEXT,
        name=_TEXT,
        version=_TEXT,
        artifact_sha256=_TEXT,
        run_id=_TEXT,
        status=_TEXT,
        reasons=_TEXT,
        asks_less=pa.list_(_TEXT),
        entered=_TEXT,
    ),
    verdict=_TEXT,
)
REFUSED_MODELS = _maybe(REFUSED, artifact_sha256=_TEXT)
STANDINGS = _schema(
    line=_TEXT, name=_TEXT, version=_TEXT, artifact_sha256=_TEXT, state=_TEXT, share=_NUMBER, since=MOMENT
)
ACTIONS = _maybe(_schema(line=_TEXT, artifact_sha256=_TEXT, kind=_TEXT, sentence=_TEXT, too_late=_TEXT), review=_TEXT)
OBSERVATIONS = _maybe(
    _schema(
        line=_TEXT,
        artifact_sha256=_TEXT,
        at=MOMENT,
        coverage=_NUMBER,
        drift_feature=_TEXT,
        failed_gates=pa.list_(_TEXT),
    ),
    ret_net=_NUMBER,
    drift=_NUMBER,
    reject_ratio=_NUMBER,
    slippage_ratio=_NUMBER,
)

PAGES = _schema(line=_TEXT, name=_TEXT, path=_TEXT, sha256=_TEXT, shown=_TEXT)

_FITTED = {"models": MODELS, "folds": FOLDS, "scores": SCORES, "refused": REFUSED}

_BESIDE_LINES: dict[str, dict[str, pa.Schema]] = {
    "features": {"refused": REFUSED},
    "training_frame": {"leaks": LEAKS, "suspicions": SUSPICIONS, "refused": REFUSED},
}

_DECLARED: dict[str, dict[str, pa.Schema]] = {
    "frozen_baseline": _FITTED,
    "tabular_teacher": {**_FITTED, "nulls": NULLS},
    "tsmixer_student": _FITTED,
    "ensemble": {**_FITTED, "blends": BLENDS},
    "hpo_search": {"trials": TRIALS, "handovers": HANDOVERS, "refused": REFUSED},
    "hpo_refinement": {"trials": TRIALS, "handovers": HANDOVERS, "refused": REFUSED},
    "hpo_confirmation": {
        "windows": WINDOWS,
        "openings": OPENINGS,
        "models": MODELS,
        "scores": SCORES,
        "information": INFORMATION,
        "refused": REFUSED,
    },
    "model_runs": {"runs": RUNS, "refused": REFUSED},
    "promotion_report": {"decisions": DECISIONS, "pages": PAGES, "refused": REFUSED},
    "predictions": {"predictions": PREDICTIONS, "refused": REFUSED_MODELS},
    "model_rollout": {
        "standings": STANDINGS,
        "actions": ACTIONS,
        "observations": OBSERVATIONS,
        "refused": REFUSED_MODELS,
    },
}

PER_LINE = described(_BESIDE_LINES, WORDS)
"""What stands beside the tables of the lines, where each line has one of its own."""

TABLES = described(_DECLARED, WORDS)
