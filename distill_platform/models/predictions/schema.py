"""The table of predictions: every score with what it was made of, by which model, from which versions."""

from __future__ import annotations

import pyarrow as pa

from distill_platform.feeds.market_bars import MOMENT

EVENT = pa.struct(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("symbol", pa.string(), nullable=False),  # whom it is about: the row's symbol, or the market
        pa.field("tier", pa.int8(), nullable=False),  # of its feed, 1 best to 3
        pa.field("weight", pa.float64(), nullable=False),  # by tier, decayed to the row's moment
        pa.field("age_h", pa.float64(), nullable=False),
        pa.field("polarity", pa.float64(), nullable=False),
    ]
)
CONTRIBUTION = pa.struct(
    [
        pa.field("feature", pa.string(), nullable=False),  # REST and BASE stand for what is not listed
        pa.field("contribution", pa.float64(), nullable=False),  # signed, in units of the score
        pa.field("value", pa.float64()),  # missing where the feature is, and for REST and BASE
    ]
)
REST = "<rest>"
"""All features that are not listed, together."""
BASE = "<base>"
"""What the model says of a row of which it knows nothing."""

PREDICTIONS = pa.schema(
    [
        pa.field("line", pa.string(), nullable=False),
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("ts", MOMENT, nullable=False),  # the end of the bar after which it was made
        pa.field("score", pa.float64()),  # missing where the model cannot say
        pa.field("weight", pa.float64(), nullable=False),  # the position it asks for, as a share of equity
        pa.field("serves", pa.bool_(), nullable=False),  # whether it decided; one model does, for each symbol and ts
        pa.field("stage", pa.string(), nullable=False),  # where the model stood: champion, shadow, canary, ...
        pa.field("policy", pa.string()),
        pa.field("artifact_sha256", pa.string(), nullable=False),
        pa.field("model_name", pa.string(), nullable=False),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("feature_payload_schema_version", pa.string(), nullable=False),
        pa.field("feature_version", pa.string(), nullable=False),
        pa.field("data_version", pa.string(), nullable=False),
        pa.field("lineage_id", pa.string(), nullable=False),
        pa.field("events", pa.list_(EVENT), nullable=False),  # the weightiest first
        pa.field("tiers", pa.list_(pa.int8()), nullable=False),  # of those events, sorted, each once
        pa.field("contributions", pa.list_(CONTRIBUTION), nullable=False),  # they sum to the score; largest first
        pa.field("missing", pa.list_(pa.string()), nullable=False),  # features of the model without a value
    ]
)
"""Sorted by (ts, symbol, stage). A row without a score has no contributions and asks for no position."""
