"""Bundles that are sealed and wrong: each is refused with its own reason, the place, and what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from distill_platform.strategies.bundles.refusal import BundleRefused
from distill_platform.strategies.bundles.sealing import write_bundle
from distill_platform.strategies.bundles.tables import MANIFEST
from distill_platform.testing.bundles import sample_bundle
from distill_platform_tests.strategies.bundles.builders import (
    refusal_of,
    sealed,
    sound,
    tables,
    with_column,
    with_manifest,
    with_table,
    with_value,
)

Spoil = Callable[[Path], Path]


def text(value: bytes) -> Spoil:
    """Replace the manifest by these bytes."""

    def spoil(folder: Path) -> Path:
        (folder / MANIFEST).write_bytes(value)
        return sealed(folder)

    return spoil


def key(place: str, value: Any) -> Spoil:
    """Set one key of the manifest, by its dotted place."""
    *way, last = place.split(".")

    def change(document: Any) -> None:
        for part in way:
            document = document[int(part) if part.isdigit() else part]
        document[last] = value

    return lambda folder: with_manifest(folder, change)


def without(name: str) -> Spoil:
    return lambda folder: with_manifest(folder, lambda document: document.pop(name))


MANIFESTS: list[tuple[str, str, str, Spoil]] = [
    ("empty", "manifest_malformed", MANIFEST, text(b"")),
    ("not JSON", "manifest_malformed", MANIFEST, text(b"run_id: run-5")),
    ("a list", "manifest_malformed", "not a JSON object", text(b"[]")),
    ("NaN", "manifest_malformed", "NaN", text(b'{"run_id": NaN}')),
    ("a key twice", "manifest_malformed", "'run_id'", text(b'{"run_id": "a", "run_id": "b"}')),
    ("a lone surrogate", "manifest_malformed", "surrogate", text(b'{"run_id": "\\ud800"}')),
    ("not UTF-8", "manifest_malformed", "UTF-8", text(b'{"run_id": "\xff"}')),
    ("nested without end", "manifest_malformed", "nested", text(b'{"a":' * 5_000 + b"1" + b"}" * 5_000)),
    ("wide integer", "manifest_malformed", "64 bits", text(b'{"run_id": 123456789012345678901234567890}')),
    ("unknown key", "manifest_unknown_key", "stratgy_id", key("stratgy_id", "x")),
    ("unknown nested key", "manifest_unknown_key", "search.declared_trial", key("search.declared_trial", 1)),
    ("unknown key of a node", "manifest_unknown_key", "nodes.2.familiy", key("nodes.2.familiy", "x")),
    ("missing key", "manifest_missing_key", "commit_sha", without("commit_sha")),
    ("null for a name", "manifest_invalid", "world_id", key("world_id", None)),
    ("a number for a name", "manifest_invalid", "strategy_id", key("strategy_id", 7)),
    ("a text for a number", "manifest_invalid", "search.trial_index", key("search.trial_index", "3")),
    ("true for a number", "manifest_invalid", "search.trial_index", key("search.trial_index", True)),
    ("no trials", "manifest_invalid", "search.declared_trials", key("search.declared_trials", 0)),
    ("another schema", "manifest_invalid", "schema_version", key("schema_version", 2)),
    ("unknown stage", "manifest_invalid", "stage", key("stage", "production")),
    ("unknown source", "manifest_invalid", "run_source", key("run_source", "PROD")),
    ("unknown role", "manifest_invalid", "nodes.0.semantic_role", key("nodes.0.semantic_role", "alpha")),
    ("moment without a zone", "manifest_invalid", "as_of", key("as_of", "2024-01-01T00:00:00")),
    ("a day for a moment", "manifest_invalid", "window.end", key("window.end", "2024-01-01")),
    ("epoch for a moment", "manifest_invalid", "as_of", key("as_of", 1_700_000_000)),
    ("a moment before 1970", "manifest_invalid", "window.start", key("window.start", "1960-01-01T00:00:00Z")),
    ("a path for a run", "manifest_invalid", "run_id", key("run_id", "../run-5")),
    ("an absolute path", "manifest_invalid", "run_id", key("run_id", "/etc/passwd")),
    ("a hidden name", "manifest_invalid", "run_id", key("run_id", ".run-5")),
    ("a zero byte", "manifest_invalid", "run_id", key("run_id", "run-5\0")),
    ("a line end", "manifest_invalid", "run_id", key("run_id", "run-5\n")),
    ("a look-alike", "manifest_invalid", "\\u0443", key("run_id", "r\u0443n-5")),
    ("a very long name", "manifest_invalid", "run_id", key("run_id", "r" * 129)),
    ("short repro hash", "manifest_invalid", "repro_hash", key("repro_hash", "abc")),
    ("a repro hash in words", "manifest_invalid", "repro_hash", key("repro_hash", "see the log of the run")),
    ("a name of another run", "name_mismatch", "'run-6'", key("run_id", "run-6")),
    ("a name in other letters", "name_mismatch", "'RUN-5'", key("run_id", "RUN-5")),
    ("window backwards", "window_reversed", "window", key("window.start", "2024-01-01T00:00:00Z")),
    ("window beyond as_of", "as_of_before_window_end", "as_of", key("window.end", "2025-01-01T00:00:00Z")),
    ("from the future", "future_dated", "as_of", key("as_of", "2026-01-01T00:00:00.000001Z")),
    ("trial beyond the declared", "trial_out_of_range", "search.trial_index", key("search.trial_index", 13)),
    ("ablation of nothing", "ablation_without_parent", "ablation_spec", key("ablation_spec", {"group": "risk"})),
    ("own parent", "self_reference", "parent_run_id", key("parent_run_id", "run-5")),
    ("supersedes itself", "self_reference", "supersedes", key("supersedes", "run-5")),
    ("a node twice", "duplicate_node", "nodes.1.node_id", key("nodes.1.node_id", "prices")),
    ("an unknown node", "unknown_node", "nodes.1.inputs.0", key("nodes.1.inputs", ["price"])),
    ("a cycle", "node_cycle", "prices", key("nodes.0.inputs", ["orders"])),
    ("a node of itself", "node_cycle", "momentum", key("nodes.1.inputs", ["momentum"])),
]


def moments(name: str) -> list[Any]:
    return list(tables()["steps"].column(name).to_pylist())


def swapped(folder: Path) -> Path:
    ends = moments("ts_end")
    ends[3], ends[4] = ends[4], ends[3]
    return with_column(folder, "steps", "ts_end", ends)


def column(name: str, column: str, values: Any) -> Spoil:
    return lambda folder: with_column(folder, name, column, values)


def value(name: str, column: str, row: int, value: Any) -> Spoil:
    return lambda folder: with_value(folder, name, column, row, value)


def lacking(name: str, column: str) -> Spoil:
    return lambda folder: with_table(folder, name, tables()[name].drop_columns([column]))


def renamed(name: str, column: str, other: str) -> Spoil:
    names = [other if known == column else known for known in tables()[name].column_names]
    return lambda folder: with_table(folder, name, tables()[name].rename_columns(names))


def extended(name: str, column: str, values: Any) -> Spoil:
    return lambda folder: with_table(folder, name, tables()[name].append_column(column, values))


def rows(name: str, *numbers: int) -> Spoil:
    return lambda folder: with_table(folder, name, tables()[name].take(pa.array(numbers, pa.int64())))


COUNT = tables()["steps"].num_rows
TRADES = tables()["trades"].num_rows
LONG_AGO = moments("ts_end")[0].replace(year=2020)
INTEGERS = pa.array(range(COUNT))
ZONELESS, BERLIN = INTEGERS.cast(pa.timestamp("s")), INTEGERS.cast(pa.timestamp("s", "Europe/Berlin"))
TYPES = {
    "booleans": pa.array([True] * COUNT),
    "texts": pa.array(["0.1"] * COUNT),
    "lists": pa.array([[0.1]] * COUNT),
    "structs": pa.array([{"a": 0.1}] * COUNT),
    "bytes": pa.array([b"0.1"] * COUNT),
    "durations": INTEGERS.cast(pa.duration("s")),
    "whole numbers beyond 53 bits": pa.array([2**60 + 1] * COUNT),
    "extension": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16] * COUNT, pa.binary(16))),
}
TABLES: list[tuple[str, str, str, Spoil]] = [
    ("no steps", "steps_empty", "steps.parquet", rows("steps")),
    ("steps out of order", "clock_not_monotone", "row 4", swapped),
    ("a step twice", "clock_not_monotone", "row 1", rows("steps", 0, 0, 1)),
    ("a step before the window", "outside_window", "row 0", value("steps", "ts_end", 0, LONG_AGO)),
    ("total loss and more", "return_below_minus_one", "row 2", value("steps", "ret_net", 2, -1.01)),
    ("negative fee", "negative_value", "'fee', row 2", value("steps", "fee", 2, -1e-9)),
    ("negative slippage", "negative_value", "'slippage'", value("steps", "slippage", 2, -1e-9)),
    ("negative turnover", "negative_value", "'turnover'", value("steps", "turnover", 2, -1.0)),
    ("NaN", "non_finite_value", "'ret_net', row 2", value("steps", "ret_net", 2, float("nan"))),
    ("infinity", "non_finite_value", "'exposure', row 2", value("steps", "exposure", 2, float("inf"))),
    ("NaN in an optional column", "non_finite_value", "row 2", value("steps", "benchmark_ret", 2, float("nan"))),
    ("a gap", "null_value", "'funding', row 2", value("steps", "funding", 2, None)),
    ("a gap in time", "null_value", "'ts_end', row 2", value("steps", "ts_end", 2, None)),
    ("nothing but gaps", "null_value", "'turnover', row 0", column("steps", "turnover", pa.nulls(COUNT))),
    ("a column too few", "column_missing", "'ret_net'", lacking("steps", "ret_net")),
    ("a column misspelt", "column_unknown", "'slipage'", renamed("steps", "slippage", "slipage")),
    ("a column too many", "column_unknown", "'pnl'", extended("steps", "pnl", INTEGERS)),
    ("an index", "column_unknown", "__index_level_0__", extended("steps", "__index_level_0__", INTEGERS)),
    ("a column twice", "column_twice", "'fee'", extended("steps", "fee", INTEGERS)),
    ("moments without a zone", "zoneless_timestamp", "'ts_end'", column("steps", "ts_end", ZONELESS)),
    ("texts without a zone", "zoneless_timestamp", "row 0", column("steps", "ts_end", ["2023-01-02T00:00:00"] * COUNT)),
    ("texts that are no moments", "invalid_value", "row 0", column("steps", "ts_end", ["yesterday"] * COUNT)),
    ("another zone", "column_type", "Berlin", column("steps", "ts_end", BERLIN)),
    ("numbers for moments", "column_type", "'ts_end'", column("steps", "ts_end", INTEGERS)),
    ("nanoseconds", "column_type", "'ts_end'", column("steps", "ts_end", INTEGERS.cast(pa.timestamp("ns", "UTC")))),
    (
        "moments beyond 9999",
        "invalid_value",
        "row 0",
        column("steps", "ts_end", pa.array([2**60] * COUNT).cast(pa.timestamp("us", "UTC"))),
    ),
    (
        "moments beyond any year",
        "column_type",
        "'ts_end'",
        column("steps", "ts_end", pa.array([2**62] * COUNT).cast(pa.timestamp("ms", "UTC"))),
    ),
    *((f"{name} for numbers", "column_type", "'exposure'", column("steps", "exposure", TYPES[name])) for name in TYPES),
    ("a trade that closes first", "trade_reversed", "row 1", value("trades", "ts_open", 1, moments("ts_end")[-1])),
    ("a trade before the window", "outside_window", "ts_open", value("trades", "ts_open", 0, LONG_AGO)),
    ("a trade twice", "duplicate_trade", "'t000000'", value("trades", "trade_id", 1, "t000000")),
    ("a trade without a name", "invalid_value", "'trade_id', row 1", value("trades", "trade_id", 1, "")),
    ("an unknown side", "invalid_value", "'side', row 1", value("trades", "side", 1, "flat")),
    ("a side misspelt", "invalid_value", "'shrt'", value("trades", "side", 1, "shrt")),
    ("no quantity", "not_positive", "'qty', row 1", value("trades", "qty", 1, 0.0)),
    ("negative quantity", "not_positive", "'qty', row 1", value("trades", "qty", 1, -10.0)),
    ("a price of zero", "not_positive", "'price_open', row 1", value("trades", "price_open", 1, 0.0)),
    ("a rebate for a fee", "negative_value", "'fee', row 1", value("trades", "fee", 1, -0.1)),
    ("a very long name", "too_large", "'symbol'", value("trades", "symbol", 1, "S" * 2_000)),
    ("a name in bytes", "column_type", "'symbol'", column("trades", "symbol", pa.array([b"SPY"] * TRADES))),
    ("numbers for names", "column_type", "'symbol'", column("trades", "symbol", pa.array(range(TRADES)))),
    ("a day twice", "duplicate_day", "row 1", rows("daily", 0, 0, 1)),
    ("days out of order", "clock_not_monotone", "row 2", rows("daily", 0, 2, 1)),
    ("a day outside", "outside_window", "row 0", value("daily", "day", 0, LONG_AGO.date())),
    ("a day that is a moment", "invalid_value", "not midnight", column("daily", "day", ZONELESS)),
    ("a day that is no day", "invalid_value", "row 0", column("daily", "day", ["2023-1-1"] * COUNT)),
    ("numbers for days", "column_type", "'day'", column("daily", "day", INTEGERS)),
    ("half a trade", "column_type", "'n_trades'", column("daily", "n_trades", pa.array([0.5] * COUNT))),
    ("fewer than no trades", "negative_value", "'n_trades', row 2", value("daily", "n_trades", 2, -1)),
    ("an order twice", "duplicate_order", "'o000000'", rows("orders", 0, 0, 1)),
    ("an unknown status", "invalid_value", "'canceled'", value("orders", "status", 1, "canceled")),
    ("an order outside", "outside_window", "ts", value("orders", "ts", 0, LONG_AGO)),
    ("an unknown split", "invalid_value", "'split', row 1", value("folds", "split", 1, "test")),
    ("a fold backwards", "fold_reversed", "row 1", value("folds", "end", 1, LONG_AGO)),
    ("a fold beyond as_of", "outside_window", "as_of", value("folds", "end", 1, LONG_AGO.replace(year=2025))),
    ("a fold twice", "duplicate_fold", "row 0", value("folds", "fold", 1, 0)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "place", "spoil"),
    [case[1:] for case in MANIFESTS + TABLES],
    ids=[case[0] for case in MANIFESTS + TABLES],
)
def test_a_wrong_bundle_is_refused_with_reason_place_and_hint(
    tmp_path: Path, reason: str, place: str, spoil: Spoil
) -> None:
    refused = refusal_of(spoil(sound(tmp_path)))
    assert refused.reason == reason, str(refused)
    assert place in refused.message
    assert refused.hint
    assert str(refused).isascii()


@pytest.mark.parametrize(
    ("place", "typo", "meant"),
    [("stratgy_id", "stratgy_id", "strategy_id"), ("search.declared_trial", "declared_trial", "declared_trials")],
)
def test_an_unknown_key_is_answered_with_the_nearest_known_one(
    tmp_path: Path, place: str, typo: str, meant: str
) -> None:
    assert f"'{meant}'" in refusal_of(key(place, "x")(sound(tmp_path))).hint


def test_an_unknown_column_is_answered_with_the_nearest_known_one(tmp_path: Path) -> None:
    assert "'slippage'" in refusal_of(renamed("steps", "slippage", "slipage")(sound(tmp_path))).hint


def test_a_writer_cannot_hand_in_what_a_reader_refuses(tmp_path: Path) -> None:
    manifest, made = sample_bundle(5, 12)
    spoiled = made["steps"].set_column(2, "fee", pa.array(-np.ones(12)))
    with pytest.raises(BundleRefused, match="below zero"):
        write_bundle(tmp_path, manifest, made | {"steps": spoiled})
    with pytest.raises(BundleRefused, match="no table 'step'"):
        write_bundle(tmp_path, manifest, made | {"step": spoiled})
    with pytest.raises(BundleRefused, match=r"steps\.parquet is missing"):
        write_bundle(tmp_path, manifest, {"trades": made["trades"]})
    with pytest.raises(BundleRefused, match="nan is not a JSON number"):
        write_bundle(tmp_path, manifest.model_copy(update={"sizing": {"f": float("nan")}}), made)
    assert not list(tmp_path.iterdir())


def test_a_long_chain_of_nodes_is_read(tmp_path: Path) -> None:
    def chain(document: dict[str, Any]) -> None:
        node = document["nodes"][0]
        document["nodes"] = [
            {**node, "node_id": f"n{number}", "inputs": [f"n{number - 1}"] if number else []} for number in range(5_000)
        ]

    folder = with_manifest(sound(tmp_path), chain)
    assert len(json.loads((folder / MANIFEST).read_text())["nodes"]) == 5_000
    assert refusal_of(key("nodes.0.inputs", ["n4999"])(folder)).reason == "node_cycle"
