"""Why a bundle is not taken as it stands: one word for programs, and sentences that say where and what to do."""

from __future__ import annotations

from enum import StrEnum

from distill_platform.core.errors import DistillError


class RefusalReason(StrEnum):
    """What is wrong with a bundle. `incomplete` alone is no fault: its COMPLETE may still come."""

    INCOMPLETE = "incomplete"

    BAD_NAME = "bad_name"
    NOT_A_FOLDER = "not_a_folder"
    NOT_A_REGULAR_FILE = "not_a_regular_file"
    UNKNOWN_FILE = "unknown_file"
    UNLISTED_FILE = "unlisted_file"
    MISSING_FILE = "missing_file"
    TOO_LARGE = "too_large"
    COMPLETE_MALFORMED = "complete_malformed"
    HASH_MISMATCH = "hash_mismatch"
    UNREADABLE = "unreadable"

    MANIFEST_MALFORMED = "manifest_malformed"
    MANIFEST_UNKNOWN_KEY = "manifest_unknown_key"
    MANIFEST_MISSING_KEY = "manifest_missing_key"
    MANIFEST_INVALID = "manifest_invalid"
    NAME_MISMATCH = "name_mismatch"

    PARQUET_UNREADABLE = "parquet_unreadable"
    COLUMN_MISSING = "column_missing"
    COLUMN_UNKNOWN = "column_unknown"
    COLUMN_TWICE = "column_twice"
    COLUMN_TYPE = "column_type"
    NULL_VALUE = "null_value"
    NON_FINITE_VALUE = "non_finite_value"
    ZONELESS_TIMESTAMP = "zoneless_timestamp"
    INVALID_VALUE = "invalid_value"
    NEGATIVE_VALUE = "negative_value"
    NOT_POSITIVE = "not_positive"

    WINDOW_REVERSED = "window_reversed"
    BEFORE_WINDOW_END = "as_of_before_window_end"
    FUTURE_DATED = "future_dated"
    STEPS_EMPTY = "steps_empty"
    CLOCK_NOT_MONOTONE = "clock_not_monotone"
    OUTSIDE_WINDOW = "outside_window"
    RETURN_BELOW_MINUS_ONE = "return_below_minus_one"
    TRADE_REVERSED = "trade_reversed"
    DUPLICATE_TRADE = "duplicate_trade"
    DUPLICATE_ORDER = "duplicate_order"
    DUPLICATE_DAY = "duplicate_day"
    DUPLICATE_FOLD = "duplicate_fold"
    FOLD_REVERSED = "fold_reversed"
    DUPLICATE_NODE = "duplicate_node"
    UNKNOWN_NODE = "unknown_node"
    NODE_CYCLE = "node_cycle"
    SELF_REFERENCE = "self_reference"
    TRIAL_OUT_OF_RANGE = "trial_out_of_range"
    ABLATION_WITHOUT_PARENT = "ablation_without_parent"

    UNKNOWN_WORLD = "unknown_world"
    DUPLICATE_ID = "duplicate_id"


class BundleRefused(DistillError):
    """A run bundle cannot be taken as it stands; `reason` says why to a program."""

    def __init__(self, reason: RefusalReason, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


def shown(name: str) -> str:
    """Return a name from outside as ASCII, at most 80 characters of it, so that look-alike letters can be told."""
    return ascii(name[:80]) + ("..." if len(name) > 80 else "")
