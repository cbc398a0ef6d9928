"""Every table of the evaluation, declared once: storage, checks, docs and the user interface derive from here."""

from __future__ import annotations

import pyarrow as pa

STRINGS = pa.list_(pa.string())
MOMENT = pa.timestamp("us", tz="UTC")
REGIMES = pa.list_(pa.struct([pa.field("regime", pa.string()), pa.field("sharpe", pa.float64())]))


def _column(name: str, kind: pa.DataType, description: str, *, required: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=not required, metadata={"description": description})


_RUN = _column("run_id", pa.string(), "the run")
_WORLD = _column("world_id", pa.string(), "the world whose policy judges it")
_STRATEGY = _column("strategy_id", pa.string(), "the strategy that ran")
_STAGE = _column("stage", pa.string(), "backtest, paper or live")
_COHORT = _column("cohort_id", pa.string(), "the runs it was chosen from")
_BUNDLE = _column("bundle_sha256", pa.string(), "hash over the names and hashes of the bundle's files")

METRICS = pa.schema(
    [
        _RUN,
        _column("metric", pa.string(), "name in the catalogue"),
        _column(
            "number", pa.float64(), "value of a metric that is a number; NaN where it is undefined", required=False
        ),
        _column("flag", pa.bool_(), "value of a metric that is true or false", required=False),
        _column("text", pa.string(), "value of a metric that is a word", required=False),
    ]
)
BUNDLES = pa.schema(
    [
        _RUN,
        _WORLD,
        _STRATEGY,
        _STAGE,
        _COHORT,
        _BUNDLE,
        _column("content_sha256", pa.string(), "hash of the step numbers alone: equal for bit-identical runs"),
        _column("manifest", pa.string(), "run_manifest.json, canonical"),
    ]
)
REFUSED = pa.schema(
    [
        _column("name", pa.string(), "folder in the inbox"),
        _column("state", pa.string(), "refused, or parked until it is complete"),
        _column("reason", pa.string(), "reason code"),
        _column("message", pa.string(), "what is wrong, and where"),
        _column("hint", pa.string(), "what to do"),
    ]
)
RUNS = pa.schema(
    [
        _RUN,
        _WORLD,
        _STRATEGY,
        _STAGE,
        _COHORT,
        _BUNDLE,
        _column("sound", pa.bool_(), "whether all invariants hold that could be looked at"),
        _column("broken", STRINGS, "invariants that do not hold"),
        _column("notes", STRINGS, "what was found, in words"),
    ]
)
DAILY = pa.schema(
    [
        _RUN,
        _column("day", pa.date32(), "UTC day with steps"),
        _column("net", pa.float64(), "return after all costs, fraction of equity"),
        _column("gross", pa.float64(), "return before costs, fraction of equity"),
    ]
)
FOLDS = pa.schema(
    [
        _RUN,
        _column("fold", pa.int64(), "number of the fold"),
        _column("split", pa.string(), "search, validation or forward_oos"),
        _column("start", MOMENT, "start, UTC"),
        _column("end", MOMENT, "end, UTC"),
        _column("pnl_is", pa.float64(), "sum of returns in sample", required=False),
        _column("pnl_oos", pa.float64(), "sum of returns out of sample", required=False),
    ]
)
SCENARIOS = pa.schema(
    [
        _RUN,
        _column("scenario", pa.string(), "name in the world's stress grid"),
        _column("net_sharpe", pa.float64(), "annual Sharpe ratio after the scenario's costs", required=False),
        _column("max_drawdown", pa.float64(), "positive fraction", required=False),
        _column("es_99", pa.float64(), "daily expected shortfall at 99 %, positive fraction", required=False),
        _column("total_return", pa.float64(), "fraction", required=False),
    ]
)
COST_CURVE = pa.schema(
    [
        _RUN,
        _column("added_bps", pa.float64(), "costs added to the run's own, bps of what is traded"),
        _column("net_sharpe", pa.float64(), "annual Sharpe ratio then", required=False),
    ]
)
_KIND = _column("kind", pa.string(), "what was taken out: a group, a node or a subgraph")
_PART = _column("part", pa.string(), "its name")
_STUB = _column("stub", pa.string(), "what stood in for it")
_UPLIFT = _column("sharpe", pa.float64(), "annual Sharpe ratio of the run less that without the part", required=False)
_BY_REGIME = _column("by_regime", REGIMES, "the same on calm, ordinary and volatile days")
CONTRIBUTIONS = pa.schema(
    [
        _RUN,
        _KIND,
        _PART,
        _STUB,
        _column("n_days", pa.int64(), "days that both runs have"),
        _column("mean", pa.float64(), "difference of daily net returns", required=False),
        _column("mean_low", pa.float64(), "lower bound of its 95 % interval", required=False),
        _column("mean_high", pa.float64(), "upper bound of its 95 % interval", required=False),
        _UPLIFT,
        _column("low", pa.float64(), "lower bound of its 95 % interval", required=False),
        _column("high", pa.float64(), "upper bound of its 95 % interval", required=False),
        _BY_REGIME,
    ]
)
COHORT_CONTRIBUTIONS = pa.schema(
    [
        _COHORT,
        _KIND,
        _PART,
        _STUB,
        _column("n", pa.int64(), "runs of the cohort that were tried without the part"),
        _UPLIFT,
        _column("positive", pa.float64(), "share of them that are better with it"),
        _column("proven", pa.float64(), "share of them whose whole interval is above 0"),
        _BY_REGIME,
        _column("helps_only_in", STRINGS, "regimes in which it helps, unless in all or in none"),
    ]
)
TRIAGE = pa.schema(
    [_RUN, _column("tags", STRINGS, "where to look first"), _column("reason", pa.string(), "why, in one sentence")]
)
RESULTS = pa.schema(
    [
        _RUN,
        _column("rule", pa.string(), "rule of the world's policy"),
        _column("status", pa.string(), "pass, warn or fail"),
        _column("severity", pa.string(), "blocking, soft or info"),
        _column("owner", pa.string(), "quant, risk or ops"),
        _column("reason_code", pa.string(), "reason code"),
        _column("reason", pa.string(), "in words"),
        _column("details", pa.string(), "observed, threshold and margin, canonical JSON"),
    ]
)
VERDICTS = pa.schema(
    [
        _RUN,
        _WORLD,
        _STRATEGY,
        _STAGE,
        _column("status", pa.string(), "pass, warn or fail"),
        _column("recommended_stage", pa.string(), "where the strategy may stand"),
        _column("counts_for_release", pa.bool_(), "whether the run is one that release verdicts count"),
        _column("policy_version", pa.int64(), "version of the world"),
        _column("ruleset_hash", pa.string(), "hash over the whole policy"),
        _column("profile", pa.string(), "profile that applied"),
    ]
)
GATES = pa.schema(
    [
        _RUN,
        _column("gate", pa.string(), "stage gate"),
        _column("status", pa.string(), "pass, watch, fail or insufficient_observation"),
        _column("reasons", STRINGS, "why"),
    ]
)
REPORTS = pa.schema(
    [
        _RUN,
        _column("artifact", pa.string(), "file name"),
        _column("path", pa.string(), "place inside the lake"),
        _column("sha256", pa.string(), "hash of its bytes"),
        _column("bytes", pa.int64(), "size"),
    ]
)
INDEX = pa.schema(
    [
        _RUN,
        _STRATEGY,
        _WORLD,
        _STAGE,
        _column("ablated", pa.bool_(), "whether it is a variant without a part"),
        _column("status", pa.string(), "pass, warn or fail"),
        _column("verdict", pa.string(), "in words"),
        _column("gate", pa.string(), "gate that it reached, or that stopped it"),
        _column("ratio", pa.float64(), "annual daily Sharpe ratio", required=False),
        _column("sharpe", pa.string(), "the same with its standard error"),
        _column("dsr", pa.string(), "deflated Sharpe ratio, a probability"),
        _column("n_trials", pa.int64(), "honest number of trials"),
        _column("headline", pa.string(), "the verdict in one sentence"),
        _column("failed", STRINGS, "what did not hold"),
        _column("link", pa.string(), "place of the page, from that of the index"),
    ]
)

TABLES: dict[str, dict[str, pa.Schema]] = {
    "run_bundles": {"bundles": BUNDLES, "refused": REFUSED},
    "evaluation_runs": {"runs": RUNS},
    "evaluation_metrics": {"metrics": METRICS, "daily": DAILY},
    "walk_forward": {"folds": FOLDS},
    "stress_tests": {"scenarios": SCENARIOS, "cost_curve": COST_CURVE},
    "triage": {"tags": TRIAGE},
    "overfitting_controls": {"controls": METRICS},
    "portfolio_fit": {"fit": METRICS},
    "node_contributions": {"contributions": CONTRIBUTIONS, "by_cohort": COHORT_CONTRIBUTIONS},
    "rule_results": {"results": RESULTS, "verdicts": VERDICTS},
    "stage_gates": {"gates": GATES},
    "evaluation_reports": {"reports": REPORTS, "index": INDEX},
}
