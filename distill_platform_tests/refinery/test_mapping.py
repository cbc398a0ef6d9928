"""Mapping: every way to say where a field comes from, and every way a row can be wrong, each with its reason."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from distill_platform.core import canon
from distill_platform.core.errors import CanonError
from distill_platform.core.utc import iso
from distill_platform.refinery.ingest import evidence_id, outcomes
from distill_platform.refinery.lines import Line
from distill_platform.refinery.mapping import Mapper, Refused
from distill_platform.refinery.schemas import EVIDENCE
from distill_platform.refinery.streams import load_stream
from distill_platform_tests.refinery.builders import DAY, RECORD, World, row, stream_config


def mapper(world: World, **record: Any) -> Mapper:
    metadata = record.pop("metadata", None)
    template = record.pop("prompt_template", None)
    fields = {key: value for key, value in (RECORD | record).items() if value is not None}
    config = stream_config(record=fields, metadata=metadata, prompt_template=template)
    return Mapper(load_stream(world.stream(config)))


def fields(world: World, given_row: Any, **record: Any) -> dict[str, Any]:
    return mapper(world, **record).map(given_row).fields


def refused(world: World, given_row: Any, **record: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        mapper(world, **record).map(given_row)
    return caught.value


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("text", "plain"),
        ({"from": "deep.list.1.text"}, "second"),
        ({"from": "dotted.key"}, "the key with the dot"),
        ({"from": "deep.missing.text"}, None),
        ({"from": "deep.list.9.text"}, None),
        ({"from": "deep.list.-1.text"}, None),
        ({"from": "deep.list.²"}, None),
        ({"from": "text.0"}, None),
        ({"from": "nothing"}, None),
        ({"from": "nothing", "default": "d"}, "d"),
        ({"from": "absent", "default": ""}, ""),
        ({"first": ["absent", "nothing", "text", "model"]}, "plain"),
        ({"first": ["absent", "deep.list.0.text"]}, "first"),
        ({"first": ["absent"], "default": "d"}, "d"),
        ({"first": ["empty", "text"]}, ""),
        ({"value": "constant"}, "constant"),
        ({"value": ""}, ""),
        ({"template": "{task}/{deep.list.0.text}#{n}"}, "task-3/first#5"),
        ({"template": "{absent}x"}, None),
        ({"template": "{absent}x", "default": "d"}, "d"),
        ({"from": "n", "type": "identifier"}, "5"),
    ],
)
def test_a_text_comes_from_where_its_declaration_says(world: World, spec: Any, expected: str | None) -> None:
    given_row = row(3) | {
        "text": "plain", "nothing": None, "empty": "", "n": 5, "dotted.key": "the key with the dot",
        "dotted": {"key": "not this"}, "deep": {"list": [{"text": "first"}, {"text": "second"}]},
    }  # fmt: skip
    before = copy.deepcopy(given_row)
    assert fields(world, given_row, text=spec).get("text") == expected
    assert given_row == before


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", "x", "x"), ("identifier", 7, "7"), ("number", 7, 7.0), ("number", 1.5, 1.5),
        ("boolean", False, False),
        ("strings", ["a"], ["a"]), ("strings", [], []), ("number", 0, 0.0), ("string", "", ""),
        ("messages", [{"role": "assistant", "content": "x", "extra": 1}], [{"role": "assistant", "content": "x"}]),
    ],
)  # fmt: skip
def test_every_type_reads_its_own_kind_of_value(world: World, kind: str, value: Any, expected: Any) -> None:
    found = fields(world, row(v=value), metadata={"v": {"from": "v", "type": kind}})
    assert found["metadata"] == {"v": expected}


@pytest.mark.parametrize("kind", ["string", "identifier", "number", "boolean", "strings", "messages"])
@pytest.mark.parametrize("value", ["x", 7, 1.5, True, ["a"], [1], {"a": 1}, [], "", 2**64 - 1])
def test_a_value_of_another_kind_is_a_schema_violation_that_names_the_field(
    world: World, kind: str, value: Any
) -> None:
    accepted = {
        "string": type(value) is str,
        "identifier": type(value) in (str, int),
        "number": type(value) in (int, float),
        "boolean": type(value) is bool,
        "strings": value in (["a"], []),
        "messages": False,
    }
    metadata = {"v": {"from": "v", "type": kind}}
    if accepted[kind]:
        assert "v" in fields(world, row(v=value), metadata=metadata)["metadata"]
    else:
        error = refused(world, row(v=value), metadata=metadata)
        assert error.reason == "schema_violation"
        assert "metadata.v" in error.message
        assert error.moment is not None


@pytest.mark.parametrize("field", ["text", "prompt", "model", "verdict"])
@pytest.mark.parametrize("value", [["an answer that is a list"], {"a": 1}, 5, True])
def test_a_text_that_is_no_text_is_a_schema_violation(world: World, field: str, value: Any) -> None:
    assert refused(world, row() | {field: value}).reason == "schema_violation"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"at": ...}, "missing_timestamp"),
        ({"at": None}, "missing_timestamp"),
        ({"at": f"{DAY}T10:00:00"}, "zoneless_timestamp"),
        ({"at": DAY}, "zoneless_timestamp"),
        ({"at": "yesterday"}, "invalid_timestamp"),
        ({"at": ""}, "invalid_timestamp"),
        ({"at": 1_776_643_200}, "invalid_timestamp"),
        ({"at": [f"{DAY}T10:00:00Z"]}, "invalid_timestamp"),
        ({"at": "1969-01-01T00:00:00Z"}, "invalid_timestamp"),
        ({"run": ...}, "missing_source_run_id"),
        ({"run": None}, "missing_source_run_id"),
        ({"run": " \t"}, "missing_source_run_id"),
        ({"run": 1.5}, "schema_violation"),
        ({"run": True}, "schema_violation"),
        ({"task": ...}, "missing_task_id"),
        ({"task": ""}, "missing_task_id"),
        ({"task": []}, "schema_violation"),
        ({"latency_ms": "fast"}, "schema_violation"),
        ({"latency_ms": True}, "schema_violation"),
    ],
)
def test_every_missing_or_wrong_required_value_has_its_own_reason(
    world: World, change: dict[str, Any], reason: str
) -> None:
    error = refused(world, row(**change))
    assert error.reason == reason
    assert (error.moment is None) == reason.endswith("timestamp")


@pytest.mark.parametrize("value", [[], "text", 5, None, True, [row()]])
def test_a_row_that_is_no_object_is_a_schema_violation(world: World, value: Any) -> None:
    error = refused(world, value)
    assert (error.reason, "not an object" in error.message) == ("schema_violation", True)


@pytest.mark.parametrize(
    ("kind", "value", "moment"),
    [
        ("timestamp", f"{DAY}T23:30:00-02:00", "2026-04-21T01:30:00Z"),
        ("epoch_s", 1_776_643_200, "2026-04-20T00:00:00Z"),
        ("epoch_s", 1_776_643_200.25, "2026-04-20T00:00:00.250000Z"),
        ("epoch_ms", 1_776_643_200_001, "2026-04-20T00:00:00.001000Z"),
    ],
)
def test_a_moment_is_read_as_declared_and_placed_in_utc(world: World, kind: str, value: Any, moment: str) -> None:
    assert iso(mapper(world, timestamp={"from": "at", "type": kind}).map(row(at=value)).moment) == moment


@pytest.mark.parametrize("value", ["1776643200", -1, 1e300, True, None, {}])
def test_an_epoch_that_is_none_is_refused(world: World, value: Any) -> None:
    error = refused(world, row(at=value), timestamp={"from": "at", "type": "epoch_s"})
    assert error.reason == ("missing_timestamp" if value is None else "invalid_timestamp")


def test_a_time_stamp_may_be_put_together_from_parts(world: World) -> None:
    built = mapper(world, timestamp={"template": "{day}T{hour}:00:00Z"})
    assert iso(built.map(row(day=DAY, hour=10)).moment) == f"{DAY}T10:00:00Z"
    with pytest.raises(Refused) as caught:
        built.map(row(day=DAY, hour="noon"))
    assert caught.value.reason == "invalid_timestamp"


def test_an_unknown_role_in_a_row_is_refused(world: World) -> None:
    assert "model_role 'boss'" in refused(world, row(role="boss"), model_role="role").message
    assert fields(world, row(role="applier"), model_role="role")["model_role"] == "applier"
    assert fields(world, row(), model_role={"from": "role", "default": "other"})["model_role"] == "other"


CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "One and one?"},
    {"role": "assistant", "content": "Two."},
]


def test_messages_give_prompt_and_text(world: World) -> None:
    found = fields(world, row(m=CONVERSATION), messages="m", prompt=None, text=None)
    assert (found["prompt"], found["text"], found["prompt_source"]) == ("Be brief.\nOne and one?", "Two.", "trace")
    assert found["messages"] == CONVERSATION


@pytest.mark.parametrize(
    "value",
    [
        [], "text", [1], [{"role": "assistant"}], [{"role": 1, "content": "x"}], CONVERSATION[:2], {},
        [{"role": "assistant", "content": ["part"]}], [{"role": "assistant", "content": None}],
    ],
)  # fmt: skip
def test_messages_of_another_shape_are_a_schema_violation(world: World, value: Any) -> None:
    assert refused(world, row(m=value), messages="m", prompt=None, text=None).reason == "schema_violation"


def test_a_prompt_template_fills_in_where_a_trace_has_none_and_says_so(world: World) -> None:
    for prompt in (..., None, ""):
        found = fields(world, row(1, prompt=prompt), prompt_template="Do {task_id} for {model_name}{observer_verdict}.")
        assert (found["prompt"], found["prompt_source"]) == ("Do task-1 for model-areject.", "template")
    assert fields(world, row(1), prompt_template="x")["prompt_source"] == "trace"
    assert "prompt_source" not in fields(world, row(1, prompt=...))


def outcomes_of(world: World, code: str, source_row: Any, name: str) -> list[Any]:
    (world.sources / f"{name}.py").write_text(code)
    stream = load_stream(world.stream(stream_config(transform=f"{name}:split")))
    line = Line(0, canon.dumps(source_row))
    return [outcome.found for outcome in outcomes(line, Mapper(stream), stream.transform)]


def test_a_transform_may_give_several_records_some_of_them_bad(world: World) -> None:
    code = "def split(row):\n    for part in row['parts']:\n        yield part\n"
    source_row = {"parts": [row(1), row(2, run=""), "text", row(3)]}
    found = outcomes_of(world, code, source_row, "map_several")
    assert [getattr(outcome, "reason", "mapped") for outcome in found] == [
        "mapped", "missing_source_run_id", "schema_violation", "mapped",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "reason", "words"),
    [
        ("return []", "empty_content", "no record"),
        ("return None", "schema_violation", "transform failed: TypeError"),
        ("return 5", "schema_violation", "transform failed: TypeError"),
        ("raise KeyError('x')", "schema_violation", "transform failed: KeyError"),
        ("return [None]", "schema_violation", "not an object"),
        ("return [[]]", "schema_violation", "not an object"),
        ("return split(row)", "schema_violation", "RecursionError"),
        ("return [row | {'latency_ms': float('nan')}]", "schema_violation", "finite"),
        ("return [row | {'text': object()}]", "schema_violation", "text"),
        (
            "yield row | {'task': ''}\n    raise ValueError('late')",
            "schema_violation",
            "transform failed: ValueError: late",
        ),
    ],
)
def test_garbage_from_a_transform_is_refused_and_stops_nothing(
    world: World, body: str, reason: str, words: str
) -> None:
    name = f"map_garbage_{canon.sha256_hex(body.encode())[:8]}"
    [found] = outcomes_of(world, f"def split(row):\n    {body}\n", row(), name)
    assert (found.reason, words in found.message) == (reason, True), found.message


def test_an_id_names_content_and_source_row_and_not_the_order_of_keys(world: World) -> None:
    built = mapper(world)
    mapped = built.map(row(1))
    assert evidence_id(mapped, "s") == evidence_id(built.map(dict(reversed(row(1).items()))), "s")
    assert evidence_id(mapped, "s") != evidence_id(mapped, "t")
    assert evidence_id(mapped, "s") != evidence_id(built.map(row(1, text="other")), "s")
    assert evidence_id(mapped, "s") != evidence_id(built.map(row(1, at=f"{DAY}T10:00:00.000001Z")), "s")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*row(0), "m", "extra"]), JSON))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_row_is_either_mapped_to_the_schema_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]
) -> None:
    built = _built(tmp_path_factory)
    try:
        mapped = built.map(row(0) | changes)
        evidence_id(mapped, "s")
    except (Refused, CanonError) as error:
        assert error.reason
    else:
        assert set(mapped.fields) <= set(EVIDENCE.names)


_MAPPERS: list[Mapper] = []


def _built(factory: pytest.TempPathFactory) -> Mapper:
    if not _MAPPERS:
        world = World(Path(factory.mktemp("mapping")))
        metadata = {
            "m": {"from": "m", "type": "strings"},
            "deep": {"first": ["extra.0.a", "m.0"], "type": "identifier"},
        }
        _MAPPERS.append(mapper(world, metadata=metadata))
    return _MAPPERS[0]
