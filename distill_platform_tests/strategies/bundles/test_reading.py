import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distill_platform.strategies.bundles.content import content_sha256
from distill_platform.strategies.bundles.reading import read_bundle
from distill_platform.strategies.bundles.sealing import parquet_bytes, seal, write_bundle
from distill_platform.strategies.bundles.tables import COMPLETE, TABLES
from distill_platform.testing.bundles import sample_bundle
from distill_platform_tests.strategies.bundles.builders import (
    NOW,
    refusal_of,
    sealed,
    sound,
    sums_of,
    tables,
    with_column,
    with_manifest,
    with_table,
)


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    manifest, made = sample_bundle(1, 30, steps_per_day=4)
    bundle = read_bundle(write_bundle(tmp_path, manifest, made), now=NOW)
    assert bundle.manifest == manifest
    for name, table in made.items():
        assert getattr(bundle, name).equals(table)
        assert getattr(bundle, name).schema.metadata is None


def test_only_the_manifest_and_the_steps_are_a_must(tmp_path: Path) -> None:
    manifest, made = sample_bundle(1, 30)
    bundle = read_bundle(write_bundle(tmp_path, manifest, {"steps": made["steps"]}), now=NOW)
    assert (bundle.trades, bundle.daily, bundle.orders, bundle.folds) == (None, None, None, None)


def test_optional_columns_may_be_left_out(tmp_path: Path) -> None:
    steps = tables()["steps"].drop_columns(["adv_utilization", "participation", "benchmark_ret"])
    bundle = read_bundle(with_table(sound(tmp_path), "steps", steps), now=NOW)
    assert bundle.steps.equals(steps)


def test_the_same_run_has_the_same_bytes_whatever_its_chunks(tmp_path: Path) -> None:
    manifest, made = sample_bundle(1, 30)
    chunked = {name: pa.concat_tables([table.slice(0, 3), table.slice(3)]) for name, table in made.items()}
    first, second = write_bundle(tmp_path / "a", manifest, made), write_bundle(tmp_path / "b", manifest, chunked)
    assert (first / COMPLETE).read_bytes() == (second / COMPLETE).read_bytes()


@pytest.mark.parametrize("form", ["object", "files", "sha256sum", "sha256sum --binary", "upper", "crlf"])
def test_complete_is_read_in_every_form_it_is_usually_written_in(tmp_path: Path, form: str) -> None:
    folder = sound(tmp_path)
    before = read_bundle(folder, now=NOW)
    sums = sums_of(folder)
    texts = {
        "object": json.dumps(sums, indent=2),
        "files": json.dumps({"files": sums}),
        "sha256sum": "".join(f"{digest}  {name}\n" for name, digest in sums.items()),
        "sha256sum --binary": "".join(f"{digest} *{name}\n" for name, digest in sums.items()),
        "upper": json.dumps({name: digest.upper() for name, digest in sums.items()}),
        "crlf": "".join(f"{digest}  {name}\r\n" for name, digest in sums.items()),
    }
    (folder / COMPLETE).write_bytes(texts[form].encode())
    assert read_bundle(folder, now=NOW).sha256 == before.sha256


def test_a_bundle_is_named_by_the_hash_of_its_hashes(tmp_path: Path) -> None:
    folder = sound(tmp_path)
    canonical = json.dumps(sums_of(folder), sort_keys=True, separators=(",", ":")).encode()
    assert read_bundle(folder, now=NOW).sha256 == hashlib.sha256(canonical).hexdigest()


def test_a_folder_made_by_hand_is_sealed_once(tmp_path: Path) -> None:
    folder = sound(tmp_path)
    before = (folder / COMPLETE).read_bytes()
    (folder / COMPLETE).unlink()
    assert refusal_of(folder).reason == "incomplete"
    assert seal(folder) == read_bundle(folder, now=NOW).sha256 == seal(folder)
    assert (folder / COMPLETE).read_bytes() == before


MOMENTS = tables()["steps"].column("ts_end")
STEPS = len(MOMENTS)


@pytest.mark.parametrize(
    "column",
    [
        MOMENTS.cast(pa.timestamp("s", "UTC")),
        MOMENTS.cast(pa.timestamp("ms", "UTC")),
        MOMENTS.cast(pa.timestamp("ns", "UTC")),
        MOMENTS.cast(pa.timestamp("us", "+00:00")),
        MOMENTS.cast(pa.timestamp("us", "Etc/UTC")),
        pa.array([moment.isoformat() for moment in MOMENTS.to_pylist()]),
        pa.array([moment.isoformat().replace("+00:00", "Z") for moment in MOMENTS.to_pylist()]).dictionary_encode(),
        pa.array([moment.isoformat() for moment in MOMENTS.to_pylist()], pa.large_string()),
    ],
    ids=lambda column: str(column.type),
)
def test_moments_of_any_unit_and_texts_with_a_zone_are_the_same_moments(tmp_path: Path, column: pa.Array) -> None:
    bundle = read_bundle(with_column(sound(tmp_path), "steps", "ts_end", column), now=NOW)
    assert bundle.steps.equals(tables()["steps"])


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.date64(), pa.timestamp("ns"), pa.timestamp("ms", "UTC"), pa.large_string()], ids=str
)
def test_days_of_any_type_are_the_same_days(tmp_path: Path, kind: pa.DataType) -> None:
    days = tables()["daily"].column("day")
    column = days.cast(pa.string()).cast(kind) if pa.types.is_large_string(kind) else days.cast(kind)
    bundle = read_bundle(with_column(sound(tmp_path), "daily", "day", column), now=NOW)
    assert bundle.daily.equals(tables()["daily"])


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.float32(), pa.float16(), pa.int64()], ids=str)
def test_numbers_of_any_width_are_floats(tmp_path: Path, kind: pa.DataType) -> None:
    ones = pa.array([1] * STEPS).cast(kind)
    bundle = read_bundle(with_column(sound(tmp_path), "steps", "exposure", ones), now=NOW)
    assert bundle.steps.column("exposure").to_pylist() == [1.0] * STEPS


@pytest.mark.parametrize("options", [{"row_group_size": 3}, {"compression": "gzip"}, {"data_page_version": "2.0"}])
@pytest.mark.parametrize("name", list(TABLES))
def test_any_way_to_write_parquet_is_read(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    bundle = read_bundle(with_table(sound(tmp_path), name, tables()[name], **options), now=NOW)
    assert getattr(bundle, name).equals(tables()[name])


def test_what_pandas_writes_beside_the_columns_is_not_read(tmp_path: Path) -> None:
    folder = sound(tmp_path)
    frame = tables()["trades"].to_pandas().astype({"side": "category", "symbol": "category"})
    frame.to_parquet(folder / "trades.parquet", index=False)
    assert pq.read_schema(folder / "trades.parquet").metadata
    bundle = read_bundle(sealed(folder), now=NOW)
    assert bundle.trades.equals(tables()["trades"])


def test_an_empty_table_is_a_table_without_rows(tmp_path: Path) -> None:
    bundle = read_bundle(with_table(sound(tmp_path), "trades", tables()["trades"].slice(0, 0)), now=NOW)
    assert bundle.trades.num_rows == 0


def test_a_first_step_at_the_start_of_the_window_is_a_starting_point(tmp_path: Path) -> None:
    first = tables()["steps"].column("ts_end")[0].as_py().isoformat()
    folder = with_manifest(sound(tmp_path), lambda document: document["window"].update(start=first))
    for name in ("trades", "daily", "orders", "folds"):
        (folder / TABLES[name].file).unlink()
    assert read_bundle(sealed(folder), now=NOW).steps.num_rows == STEPS


def content_of(folder: Path) -> str:
    return content_sha256(read_bundle(folder, now=NOW))


def test_the_content_hash_knows_the_numbers_and_nothing_else(tmp_path: Path) -> None:
    one = content_of(sound(tmp_path / "one"))
    assert content_of(sound(tmp_path / "two", run_id="other", strategy_id="s", cohort_id="c")) == one
    folder = with_table(sound(tmp_path / "three"), "steps", tables()["steps"], row_group_size=5, compression="gzip")
    assert content_of(folder) == one
    for column in tables()["steps"].column_names:
        if column != "ts_end":
            values = tables()["steps"].column(column).to_numpy().copy()
            values[3] = np.nextafter(values[3], 2.0)
            assert content_of(with_column(sound(tmp_path / column), "steps", column, values)) != one


def test_minus_zero_is_zero_in_the_content_hash(tmp_path: Path) -> None:
    zeros = np.zeros(STEPS)
    one = content_of(with_column(sound(tmp_path / "a"), "steps", "funding", zeros))
    assert content_of(with_column(sound(tmp_path / "b"), "steps", "funding", -zeros)) == one


def test_parquet_depends_on_the_values_alone() -> None:
    table = pa.table({"day": pa.array([date(2024, 1, 1)]), "at": pa.array([datetime(2024, 1, 1, tzinfo=UTC)])})
    assert parquet_bytes(table) == parquet_bytes(table.replace_schema_metadata({"who": "me"}))
