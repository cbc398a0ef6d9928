"""Columns: many rows mapped at once say what the mapping says of each of them."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from distill_platform.refinery.columns import ColumnMapper, microseconds
from distill_platform.refinery.mapping import Mapped, Mapper, Refused
from distill_platform.refinery.streams import load_stream
from distill_platform_tests.refinery.builders import RECORD, World, row, stream_config

MESSAGES = [{"role": "user", "content": "what"}, {"role": "assistant", "content": "that"}]
STREAMS: dict[str, dict[str, Any]] = {
    "plain": {"record": RECORD, "tags": ["b", "a"]},
    "conversation": {
        "record": {name: spec for name, spec in RECORD.items() if name not in ("prompt", "text")}
        | {"messages": "prompt", "timestamp": {"from": "at", "type": "epoch_s"}},
    },
    "everything": {
        "record": RECORD
        | {
            "task_id": {"first": ["model", "task", "extra.0"]},
            "run_id": {"from": "run", "default": "nameless"},
            "model_role": {"from": "verdict", "default": "executor"},
            "observer_verdict": {"template": "{task}/{extra.0}"},
            "success_markers": "extra",
            "prompt_tokens": {"from": "extra.a", "default": 2},
            "validation": {"sure": {"from": "latency_ms", "type": "number"}, "ok": {"from": "run", "type": "boolean"}},
        },
        "metadata": {"extra": "extra", "constant": {"value": 5, "type": "number"}},
        "prompt_template": "Do {task_id} with {model_name}{prompt_tokens}.",
        "title": "{source}{prompt} {latency_ms}",
    },
}
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    | st.sampled_from([
        "2026-04-20T10:00:00Z", "2026-04-20T10:00:00.5+00:00", "2026-04-20T12:00:00+02:00", "2026-04-20", "\ud800",
        "2026-04-20T10:00:00", "1969-12-31T23:59:59Z", "2026-04-20T10:00:00Z\0", "é", "x" * 70_000, "executor", 1.5e9,
        MESSAGES, MESSAGES[:1], MESSAGES[1:], ["a"], {"a": 1.5}, [], {},
    ])
)  # fmt: skip
CHANGES = st.dictionaries(st.sampled_from([*row(0), "extra"]), VALUES, max_size=4)
ROWS = st.lists(st.builds(lambda number, changes: row(number) | changes, st.integers(0, 9), CHANGES) | VALUES)


@cache
def mappers(name: str) -> tuple[Mapper, ColumnMapper]:
    with tempfile.TemporaryDirectory() as folder:
        stream = load_stream(World(Path(folder)).stream(stream_config(**STREAMS[name])))
    return Mapper(stream), ColumnMapper(stream)


def one_by_one(mapper: Mapper, rows: list[Any]) -> dict[int, Mapped]:
    found = {}
    for number, one in enumerate(rows):
        try:
            found[number] = mapper.map(one)
        except Refused:
            continue
    return found


@pytest.mark.parametrize("name", STREAMS)
@given(ROWS)
def test_columns_hold_what_the_mapping_says_of_every_row(name: str, rows: list[Any]) -> None:
    mapper, columns = mappers(name)
    mapped = columns.map(rows)
    given_fields = [
        {name: values[at] for name, values in mapped.fields.items() if values[at] is not None}
        for at in range(len(mapped.kept))
    ]
    found = {
        number: (moment, fields)
        for number, moment, fields in zip(mapped.kept, mapped.moments.tolist(), given_fields, strict=True)
    }
    assert found == {number: (microseconds(one.moment), one.fields) for number, one in one_by_one(mapper, rows).items()}


@given(st.lists(st.integers(0, 99), min_size=1))
def test_usual_rows_are_read_by_columns_and_all_kept(numbers: list[int]) -> None:
    mapper, columns = mappers("plain")
    rows = [row(number) for number in numbers]
    assert columns.map(rows).kept == list(one_by_one(mapper, rows)) == list(range(len(rows)))


STAMPS = st.lists(st.sampled_from("0123456789-+:.,TZ \0")).map("".join)


@given(st.lists(st.builds(lambda start, end, cut: start[:cut] + end, st.sampled_from([
    "2026-04-20T10:00:00.123456+00:00", "9999-12-31T23:59:59-01:00", "2024-02-29 23:59:59+02:00", "1970-01-01T00:00Z",
]), STAMPS, st.integers(0, 32)), min_size=1, max_size=3))  # fmt: skip
def test_a_column_of_time_stamps_is_read_as_each_of_them_is(texts: list[str]) -> None:
    mapper, columns = mappers("plain")
    rows = [row(number, at=text) for number, text in enumerate(texts)]
    found = columns.map(rows)
    expected = {number: microseconds(one.moment) for number, one in one_by_one(mapper, rows).items()}
    assert dict(zip(found.kept, found.moments.tolist(), strict=True)) == expected
