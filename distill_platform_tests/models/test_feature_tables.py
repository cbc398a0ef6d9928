"""Frames come back from their tables as they went in, to the last bit; what is not such a table is refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distill_platform.core.errors import FrameError
from distill_platform.models.features.tables import (
    feature_schema,
    from_table,
    to_table,
    training_from_table,
    training_schema,
    training_to_table,
)
from distill_platform.models.frame_building import build_features, build_training_frame
from distill_platform.models.frames import FeatureFrame
from distill_platform.models.labels import LabelSettings
from distill_platform_tests.models.grids import SMALL, gaps, random_grid

GRID = random_grid(60, holes=gaps(60, 3, (30, 34, 1)))
FRAME = build_features(GRID, None, SMALL)
TRAINING = build_training_frame(FRAME, GRID, LabelSettings(horizon_bars=3, sigma_bars=10))


def assert_equal(left: FeatureFrame, right: FeatureFrame) -> None:
    for name in ("ts", "symbol", "is_usable"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
    np.testing.assert_array_equal(left.values.view(np.uint64), right.values.view(np.uint64))
    assert (left.symbols, left.names, left.versions) == (right.symbols, right.names, right.versions)


def test_features_survive_parquet(tmp_path: Path) -> None:
    pq.write_table(to_table(FRAME), tmp_path / "features.parquet")
    table = pq.read_table(tmp_path / "features.parquet")
    assert table.schema == feature_schema(FRAME.names)
    assert_equal(from_table(table, FRAME.symbols), FRAME)


def test_a_training_frame_survives_parquet(tmp_path: Path) -> None:
    pq.write_table(training_to_table(TRAINING), tmp_path / "training.parquet")
    table = pq.read_table(tmp_path / "training.parquet")
    assert table.schema == training_schema(FRAME.names)
    read = training_from_table(table, FRAME.symbols)
    assert_equal(read.features, TRAINING.features)
    np.testing.assert_array_equal(read.label.view(np.uint64), TRAINING.label.view(np.uint64))
    np.testing.assert_array_equal(read.label_end, TRAINING.label_end)
    assert read.horizon_ns == TRAINING.horizon_ns


def test_a_part_of_the_rows_keeps_the_places_of_its_symbols() -> None:
    part = FRAME.rows(FRAME.symbol == 2)
    assert_equal(from_table(to_table(part), FRAME.symbols), part)


def test_a_missing_feature_is_nan_and_never_null() -> None:
    table = to_table(FRAME)
    assert sum(column.null_count for column in table.columns) == 0
    assert np.isnan(np.array(table["log_return_5"])).any()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (to_table(FRAME).take([1, 0]), "row 1 is not after"),
        (to_table(FRAME).take([0, 0]), "row 1 is not after"),
        (to_table(FRAME).slice(0, 0), "0 values"),
        (to_table(FRAME).drop_columns(["lineage_id"]), "another name, type or order"),
        (training_to_table(TRAINING), "another name, type or order"),
        (
            pa.concat_tables([to_table(FRAME).slice(0, 3), to_table(TRAINING.features).slice(3, 3)]),
            "2 values of lineage_id",
        ),
    ],
    ids=["unsorted", "doubled", "empty", "no lineage", "training", "two lineages"],
)
def test_what_is_not_a_table_of_features_is_refused(table: pa.Table, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        from_table(table, FRAME.symbols)


def test_symbols_that_are_not_the_line_s_are_refused() -> None:
    with pytest.raises(FrameError, match="symbols that are not AAA, BBB"):
        from_table(to_table(FRAME), ("AAA", "BBB"))


def test_a_table_without_labels_is_no_training_table() -> None:
    with pytest.raises(FrameError, match="no column 'label'"):
        training_from_table(to_table(FRAME), FRAME.symbols)


def test_a_feature_cannot_take_the_name_of_a_key() -> None:
    with pytest.raises(FrameError, match="'symbol'"):
        to_table(dataclasses.replace(FRAME, names=("symbol", *FRAME.names[1:])))
