"""Two frames have the same schema only where their columns mean the same, and the same data only where they are."""

import dataclasses
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from distill_platform.feeds.events.projecting import ProjectionSettings
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.kind import KINDS
from distill_platform.models.features.schema import events_hash, frame_versions, schema_hash
from distill_platform.models.features.settings import BarFeatures, FeatureSettings, GuardSettings, PanelFeatures
from distill_platform.strategies.bars import FIELDS, Bars
from distill_platform_tests.models.grids import HOUR, START, event_table, random_grid

DEFAULT = FeatureSettings()
SYMBOLS = ("AAA", "BBB")


def changes() -> list[tuple[str, FeatureSettings]]:
    """Return settings that differ from the default in one number or switch each."""
    found = [
        ("calendar", DEFAULT.model_copy(update={"calendar": False})),
        ("outage_bars", DEFAULT.model_copy(update={"outage_bars": 4})),
        ("no panel", DEFAULT.model_copy(update={"panel": None})),
        ("no bars", DEFAULT.model_copy(update={"bars": None})),
        ("events", DEFAULT.model_copy(update={"events": ProjectionSettings()})),
        ("silence", DEFAULT.model_copy(update={"events": ProjectionSettings(silence_h=12)})),
        ("low quality", DEFAULT.model_copy(update={"events": ProjectionSettings(exclude_low_quality=False)})),
    ]
    for group, model in (("bars", BarFeatures()), ("panel", PanelFeatures())):
        for name, windows in model:
            longer = tuple((pair[0], pair[1] + 1) for pair in windows) if name == "volatility_ratio" else None
            for kind, changed in (("without", ()), ("longer", longer or (*windows[:-1], windows[-1] + 1))):
                update = {group: model.model_copy(update={name: changed})}
                found.append((f"{kind} {name}", DEFAULT.model_copy(update=update)))
    return found


def test_every_parameter_changes_the_schema() -> None:
    hashes = [schema_hash(settings, HOUR, SYMBOLS) for _, settings in [("", DEFAULT), *changes()]]
    assert len(set(hashes)) == len(hashes)


def test_so_do_the_interval_the_symbols_and_their_order() -> None:
    asked = [(HOUR, SYMBOLS), (HOUR // 2, SYMBOLS), (HOUR, SYMBOLS[::-1]), (HOUR, (*SYMBOLS, "CCC"))]
    assert len({schema_hash(DEFAULT, *each) for each in asked}) == 4


def test_so_does_a_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    before = schema_hash(DEFAULT, HOUR, SYMBOLS)
    monkeypatch.setitem(KINDS, "drawdown", dataclasses.replace(KINDS["drawdown"], definition="something else"))
    assert schema_hash(DEFAULT, HOUR, SYMBOLS) != before


@given(st.sampled_from(["open", "high", "low", "close", "volume"]), st.integers(0, 29), st.integers(0, 1))
def test_every_number_of_the_bars_changes_the_data_version(name: str, row: int, column: int) -> None:
    grid = random_grid(30, SYMBOLS)
    fields = {field: grid.field(field).copy() for field in FIELDS}
    fields[name][row, column] = np.nextafter(fields[name][row, column], np.inf)
    other = BarGrid(Bars(grid.ts, grid.symbols, **fields), HOUR)
    before, after = (frame_versions(DEFAULT, each, None) for each in (grid, other))
    assert before.schema_hash == after.schema_hash
    assert before.data_version != after.data_version
    assert before.lineage_id != after.lineage_id


def test_events_change_the_data_version_whatever_changes_in_them_but_their_order() -> None:
    events = event_table(START + HOUR * np.arange(20))
    order = np.random.default_rng(1).permutation(20)
    assert events_hash(events.take(order)) == events_hash(events)
    hashes = {events_hash(events), events_hash(events.slice(0, 19)), events_hash(events.slice(0, 0))}
    for name in events.column_names:
        rows: list[dict[str, Any]] = events.to_pylist()
        rows[7][name] = other(rows[7][name])
        hashes.add(events_hash(pa.Table.from_pylist(rows, schema=events.schema)))
    assert len(hashes) == 3 + len(events.column_names)


def other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, datetime):
        return value.replace(microsecond=1)
    return value + "x" if isinstance(value, str) else value + 1


def test_text_that_moves_from_one_row_to_the_next_changes_the_hash() -> None:
    events = event_table(START + HOUR * np.arange(2))
    rows = events.to_pylist()
    rows[0]["title"], rows[1]["title"] = "ab", "c"
    first = pa.Table.from_pylist(rows, schema=events.schema)
    rows[0]["title"], rows[1]["title"] = "a", "bc"
    assert events_hash(first) != events_hash(pa.Table.from_pylist(rows, schema=events.schema))


def test_events_that_no_feature_sees_do_not_count() -> None:
    grid, events = random_grid(30, SYMBOLS), event_table(START + HOUR * np.arange(20))
    assert frame_versions(DEFAULT, grid, events) == frame_versions(DEFAULT, grid, None)
    seeing = DEFAULT.model_copy(update={"events": ProjectionSettings()})
    assert frame_versions(seeing, grid, events).data_version != frame_versions(DEFAULT, grid, None).data_version


@pytest.mark.parametrize(
    "bad",
    [
        {"bars": {"log_retrun": [1]}},
        {"bars": {"log_return": [3, 1]}},
        {"bars": {"log_return": [1, 1]}},
        {"bars": {"log_return": [0]}},
        {"bars": {"realized_volatility": [1]}},
        {"bars": {"realized_volatility": [True]}},
        {"bars": {"volatility_ratio": [[24, 24]]}},
        {"bars": {"volatility_ratio": [[24]]}},
        {"bars": {"log_return": [10_000_000]}},
        {"outage_bars": 0},
        {"bars": None, "panel": None, "calendar": False},
    ],
)
def test_settings_that_mean_nothing_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FeatureSettings.model_validate(bad)


def test_settings_read_as_a_file_writes_them() -> None:
    read = FeatureSettings.model_validate({"bars": {"log_return": [1, 2], "volatility_ratio": [[3, 9]]}, "events": {}})
    assert read.bars is not None
    assert read.bars.volatility_ratio == ((3, 9),)
    assert FeatureSettings.model_validate(read.model_dump(mode="json")) == read


def test_a_guard_that_looks_at_nothing_cannot_be_set() -> None:
    for bad in ({"cuts": 0}, {"max_rank_correlation": 1.0}, {"max_rank_correlation": float("nan")}):
        with pytest.raises(ValidationError):
            GuardSettings.model_validate(bad)
