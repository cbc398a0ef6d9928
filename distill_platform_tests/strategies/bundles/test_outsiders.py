"""Bundles by engineers who read nothing but the contract: what it does not forbid is taken."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from distill_platform.strategies.bundles.reading import read_bundle
from distill_platform.strategies.bundles.tables import COMPLETE
from distill_platform_tests.strategies.bundles.builders import (
    NOW,
    refusal_of,
    sound,
    sums_of,
    tables,
    with_column,
    with_manifest,
    with_table,
)

NODE = {"node_id": "ema fast/20", "semantic_role": "feature", "family": "", "inputs": [], "params": {}}
MANIFESTS: dict[str, dict[str, Any]] = {
    "version in words": {"schema_version": "1.0"},
    "one seed": {"seeds": 7},
    "no seed": {"seeds": None},
    "seeds by name": {"seeds": {"numpy": 7, "torch": [1, 2], "policy": "per-fold"}},
    "digits": {"rounding": 8},
    "rounding in words": {"rounding": "half_even"},
    "bare profiles": {"profiles": {"fee": 1.0, "slippage": 0.5, "fill": "next_open", "funding": None}},
    "tiers": {"profiles": {"fee": {"tiers": [{"from": 0, "bps": 2}]}, "slippage": {}, "fill": {}, "funding": {}}},
    "trials from one": {"search": {"declared_trials": 20, "trial_index": 20, "parameters": {}}},
    "hash of 40": {"repro_hash": "0a" * 20},
    "hash with its name": {"repro_hash": "sha256:" + "0A" * 32},
    "policy of an ensemble": {"ensemble_policy": {"vote": "mean", "members": 5}},
    "model by number": {"model": {"name": "ridge", "version": 3, "artifact_sha256": "ab" * 32}},
    "no graph, no sizing": {"nodes": [], "sizing": None},
    "nodes by any name": {"nodes": [{**NODE, "ablation_group": None}]},
}


@pytest.mark.parametrize("changes", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_says_what_it_must_in_its_own_way(tmp_path: Path, changes: dict[str, Any]) -> None:
    folder = with_manifest(sound(tmp_path), lambda document: document.update(changes))
    assert read_bundle(folder, now=NOW).manifest.run_id == "run-5"


STEPS, TRADES, ORDERS, FOLDS = (tables()[name] for name in ("steps", "trades", "orders", "folds"))
SIDES = [side.upper() for side in TRADES.column("side").to_pylist()]
NAMES = [f"wf-{number}" for number in FOLDS.column("fold").to_pylist()]
DECIMALS = pa.array(np.round(STEPS.column("exposure").to_numpy(), 6)).cast(pa.decimal128(20, 6))
COLUMNS: dict[str, tuple[str, str, Any]] = {
    "numbered trades": ("trades", "trade_id", pa.array(range(TRADES.num_rows))),
    "numbered orders": ("orders", "order_id", pa.array(range(ORDERS.num_rows))),
    "sides in capitals": ("trades", "side", pa.array(SIDES)),
    "decimals": ("steps", "exposure", DECIMALS),
    "named folds": ("folds", "fold", pa.array(NAMES)),
    "folds without a fit": ("folds", "pnl_is", pa.nulls(FOLDS.num_rows, pa.float64())),
    "folds without any profit": ("folds", "pnl_oos", pa.nulls(FOLDS.num_rows)),
}


@pytest.mark.parametrize(("name", "column", "values"), COLUMNS.values(), ids=COLUMNS)
def test_a_column_is_written_in_the_types_of_its_engine(tmp_path: Path, name: str, column: str, values: Any) -> None:
    bundle = read_bundle(with_column(sound(tmp_path), name, column, values), now=NOW)
    assert getattr(bundle, name).schema.equals(tables()[name].schema)


def test_named_folds_are_numbered_as_they_stand(tmp_path: Path) -> None:
    folds = read_bundle(with_column(sound(tmp_path), "folds", "fold", pa.array(NAMES)), now=NOW).folds
    assert folds is not None
    assert folds.column("fold").to_pylist() == list(range(len(NAMES)))


def test_an_order_stands_once_for_each_of_its_parts(tmp_path: Path) -> None:
    filled = ORDERS.slice(0, 1)
    partial = filled.set_column(3, "status", pa.array(["partial"]))
    bundle = read_bundle(with_table(sound(tmp_path), "orders", pa.concat_tables([partial, filled])), now=NOW)
    assert bundle.orders is not None
    assert bundle.orders.num_rows == 2


def test_a_gap_in_what_must_be_there_is_none_of_those_that_may(tmp_path: Path) -> None:
    folder = with_column(sound(tmp_path), "folds", "start", pa.nulls(FOLDS.num_rows, pa.timestamp("us", "UTC")))
    assert refusal_of(folder).reason == "null_value"


Sums = dict[str, str]
SEALS: dict[str, Callable[[Sums], str]] = {
    "beside who sealed it": lambda sums: json.dumps({"run_id": "run-5", "files": sums, "sealed_at": "today"}),
    "by algorithm": lambda sums: json.dumps({"sha256": sums}),
    "a list": lambda sums: json.dumps([{"path": name, "sha256": digest} for name, digest in sums.items()]),
    "a list of files": lambda sums: json.dumps({"files": [{"name": n, "sha256": d} for n, d in sums.items()]}),
    "with sizes": lambda sums: json.dumps({name: {"sha256": d, "bytes": 1} for name, d in sums.items()}),
    "prefixed": lambda sums: json.dumps({name: f"sha256:{digest}" for name, digest in sums.items()}),
    "sha256sum ./*": lambda sums: "".join(f"{digest}  ./{name}\n" for name, digest in sums.items()),
    "sha256sum --tag": lambda sums: "".join(f"SHA256 ({name}) = {digest}\n" for name, digest in sums.items()),
}


@pytest.mark.parametrize("write", SEALS.values(), ids=SEALS)
def test_a_seal_is_read_in_the_form_its_maker_knows(tmp_path: Path, write: Callable[[Sums], str]) -> None:
    folder = sound(tmp_path)
    before = read_bundle(folder, now=NOW).sha256
    (folder / COMPLETE).write_text(write(sums_of(folder)))
    assert read_bundle(folder, now=NOW).sha256 == before


@pytest.mark.parametrize("write", SEALS.values(), ids=SEALS)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda sums: sums.update({"steps.parquet": hashlib.sha256(b"").hexdigest()}), "hash_mismatch"),
        (lambda sums: sums.pop("orders.parquet"), "unlisted_file"),
        (lambda sums: sums.update({"../steps.parquet": "0" * 64}), "unknown_file"),
        (lambda sums: sums.update({"steps.parquet": "0" * 63}), "complete_malformed"),
    ],
    ids=["another hash", "one too few", "a path", "half a hash"],
)
def test_a_seal_that_lies_is_refused_in_every_form(
    tmp_path: Path, write: Callable[[Sums], str], change: Callable[[Sums], object], reason: str
) -> None:
    folder = sound(tmp_path)
    sums = sums_of(folder)
    change(sums)
    (folder / COMPLETE).write_text(write(sums))
    assert refusal_of(folder).reason == reason


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"files": {}, "hashes": {}}),
        json.dumps([{"name": "steps.parquet", "path": "daily.parquet", "sha256": "0" * 64}]),
        json.dumps([{"name": "steps.parquet", "sha256": "0" * 64}] * 2),
        json.dumps([["steps.parquet", "0" * 64]]),
        json.dumps({"files": {"steps.parquet": "0" * 64}, "steps.parquet": "1" * 64}),
    ],
)
def test_a_seal_that_can_be_read_in_two_ways_is_read_in_none(tmp_path: Path, text: str) -> None:
    folder = sound(tmp_path)
    (folder / COMPLETE).write_text(text)
    assert refusal_of(folder).reason in ("complete_malformed", "unknown_file", "missing_file")
