"""Stream declarations: what a YAML file may say, and how a mistake in it is shown."""

import re
from pathlib import Path
from typing import Any

import pytest

from distill_platform.core.errors import ConfigError
from distill_platform.refinery.mapping import refuse_wrong_constants
from distill_platform.refinery.streams import (
    Category,
    FieldSpec,
    StreamConfig,
    cached_stream,
    load_stream,
    load_streams,
)
from distill_platform_tests.refinery.builders import OTHERWISE, RECORD, SCORING, World, extraction_config, stream_config

PLAIN = """\
stream: reviews
description: Reviews.
class: verdict
path: reviews.jsonl
record:
  run_id: run
  task_id: {first: [task, file]}
  timestamp: {from: at, type: timestamp}
  model_role: {value: reviewer}
  text: text
  validation:
    grounded: {from: g, type: number}
metadata:
  attempt: {from: attempt, type: number}
scoring:
  - when: "metadata.attempt == 1"
    category: accepted
    reason: first_attempt
otherwise: {category: needs_human_review, reason: none}
"""


def refusal(world: World, config: dict[str, Any] | str) -> ConfigError:
    file = world.stream(config)
    with pytest.raises(ConfigError) as caught:
        refuse_wrong_constants(load_stream(file))
    assert caught.value.file == str(file)
    return caught.value


def changed(old: str, new: str) -> str:
    assert PLAIN.count(old) == 1
    return PLAIN.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "words"),
    [
        ('"metadata.attempt == 1"', '"metadata.atempt == 1"', 16, 12, ["metadata.atempt", "metadata.attempt"]),
        ('"metadata.attempt == 1"', "metadata.attempt == 1 && txt == 'x'", 16, 36, ["txt", "Did you mean `text`?"]),
        ('"metadata.attempt == 1"', "'validation.grounde > 0.5'", 16, 12, ["validation.grounded"]),
        ('"metadata.attempt == 1"', ">-\n      metadata.attempt == 1\n      && sorce == 'x'", 18, 10, ["`source`"]),
        ('"metadata.attempt == 1"', "|\n      metadata.attempt == '1'", 17, 24, ["metadata.attempt"]),
        ('"metadata.attempt == 1"', '"metadata.attempt"', 16, 12, ["metadata.attempt"]),
        ('"metadata.attempt == 1"', '"1 + 1 == 2"', 16, 14, ["+"]),
        ('"metadata.attempt == 1"', '""', 16, 12, ["rule ''"]),
        ("description: R", "descripton: R", 2, 1, ["unknown key 'descripton'", "Did you mean 'description'?"]),
        ("  run_id: run", "  runid: run", 6, 3, ["'record.runid'", "Did you mean 'run_id'?"]),
        ("type: timestamp}", "typ: timestamp}", 8, 25, ["'record.timestamp.typ'", "Did you mean 'type'?"]),
        ("grounded: {from: g", "grounded: {form: g", 12, 16, ["form", "Did you mean 'from'?"]),
        ("from: g, type: number", "from: g, type: numbr", 12, 31, ["'numbr' is not one of", "Did you mean 'number'?"]),
        ("class: verdict", "class: verdikt", 3, 8, ["'verdikt' is not one of", "Did you mean 'verdict'?"]),
        ("category: accepted", "category: acepted", 17, 15, ["Did you mean 'accepted'?"]),
        ("reason: first_attempt", "reason: First Attempt", 18, 13, ["reason"]),
        ("stream: reviews", "stream: Reviews!", 1, 9, ["stream"]),
        ("path: reviews.jsonl", "path: ../reviews.jsonl", 4, 7, ["leaves the source folder"]),
        ("path: reviews.jsonl", "path: a/../../b.jsonl", 4, 7, ["leaves the source folder"]),
        ("path: reviews.jsonl", "path: /etc/passwd", 4, 7, ["leaves the source folder"]),
        ("path: reviews.jsonl", 'path: ""', 4, 7, ["leaves the source folder"]),
        ("path: reviews.jsonl", "path: .", 4, 7, ["is not a path or glob"]),
        ("path: reviews.jsonl", 'path: "**x/a.jsonl"', 4, 7, ["is not a path or glob"]),
        ("path: reviews.jsonl", 'path: "a\\0b.jsonl"', 4, 7, ["leaves the source folder"]),
        ("{value: reviewer}", "{value: reviewr}", 9, 15, ["'reviewr' is not a role", "Did you mean 'reviewer'?"]),
        ("text: text", "text: {from: text, type: number}", 10, 9, ["cannot be read as number; use string"]),
        ("from: at, type: timestamp", "from: at, type: string", 8, 14, ["use timestamp or epoch_s or epoch_ms"]),
        ("  run_id: run", "  run_id: {from: run, type: number}", 6, 11, ["use identifier or string"]),
        ("{first: [task, file]}", "{first: []}", 7, 20, ["first"]),
        ("{first: [task, file]}", '{from: ""}', 7, 19, ["from"]),
        ("{first: [task, file]}", "{first: [task], from: task}", 7, 12, ["exactly one of"]),
        ("{first: [task, file]}", "{default: x}", 7, 12, ["exactly one of"]),
        ("  text: text", "  text: text\n  messages: m", 6, 3, ["either 'messages' or 'prompt' and 'text'"]),
        ("description: Reviews.", 'description: x\ntitle: "{task} x"', 3, 8, ["{task} is not known", "'task_id'"]),
        ("description: Reviews.", 'description: x\nprompt_template: "{promt}"', 3, 18, ["Did you mean 'prompt'?"]),
        ("description: Reviews.", "description: x\ntransform: a.b", 3, 12, ["transform"]),
    ],
)
def test_a_mistake_is_shown_where_it_stands_with_the_nearest_known_name(
    world: World, old: str, new: str, line: int, column: int, words: list[str]
) -> None:
    error = refusal(world, changed(old, new))
    assert all(word in str(error) for word in words), str(error)
    assert (error.line, error.column) == (line, column), str(error)


@pytest.mark.parametrize(
    "change",
    [
        {"scoring": None},
        {"otherwise": None},
        {"scoring": []},
        {"class": "extraction"},
        {"class": "telemetry", "scoring": None, "otherwise": None},
        {"otherwise": {"category": "accepted", "reason": "x"}},
        {"otherwise": {"category": "partially_accepted", "reason": "x"}},
    ],
)
def test_a_stream_is_scored_or_inherits_and_passes_nothing_by_default(world: World, change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"scoring|otherwise"):
        load_stream(world.stream(stream_config(**change)))


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        ("timestamp", {"value": "2026-04-20"}),
        ("timestamp", {"from": "at", "default": "yesterday"}),
        ("text", {"from": "text", "default": 5}),
        ("latency_ms", {"from": "x", "default": "fast"}),
        ("success_markers", {"from": "x", "default": "one"}),
        ("run_id", {"value": 1.5}),
    ],
)
def test_a_constant_that_no_row_could_have_is_refused_when_it_is_declared(
    world: World, field: str, spec: dict[str, Any]
) -> None:
    assert field in str(refusal(world, stream_config(record=RECORD | {field: spec})))


def test_a_rule_may_use_declared_fields_of_its_own_stream_only(world: World) -> None:
    rule = {"when": "metadata.attempt == 1", "category": "accepted", "reason": "x"}
    assert "metadata.attempt" in str(refusal(world, stream_config(scoring=[rule])))
    declared = {"attempt": {"from": "n", "type": "number"}}
    assert load_stream(world.stream(stream_config(scoring=[rule], metadata=declared))).rules[0].reason == "x"


@pytest.mark.parametrize("kind", ["timestamp", "strings", "messages"])
def test_a_rule_cannot_use_a_field_that_is_no_number_word_or_boolean(world: World, kind: str) -> None:
    rule = {"when": "metadata.x == 'y'", "category": "accepted", "reason": "x"}
    config = stream_config(scoring=[rule], metadata={"x": {"from": "x", "type": kind}})
    assert "metadata.x" in str(refusal(world, config))


def test_streams_come_by_name_and_a_name_may_stand_once(world: World) -> None:
    for name in ("b", "a"):
        world.stream(stream_config(name))
    assert [stream.name for stream in load_streams(world.sources)] == ["a", "b"]
    (world.sources / "c.yaml").write_text((world.sources / "a.yaml").read_text())
    with pytest.raises(ConfigError, match="'a' is declared twice"):
        load_streams(world.sources)


def test_no_stream_at_all_is_an_error(world: World) -> None:
    for folder in (world.sources, world.root / "missing"):
        with pytest.raises(ConfigError, match="no stream is declared"):
            load_streams(folder)


def transform(world: World, module: str, code: str, name: str = "reviews") -> Path:
    (world.sources / f"{module}.py").write_text(code)
    return world.stream(stream_config(name, transform=f"{module}:split"))


def test_a_transform_is_found_beside_its_yaml_file(world: World) -> None:
    file = transform(world, "hook_beside", "def split(row):\n    yield from row['parts']\n")
    hook = load_stream(file).transform
    assert hook is not None
    assert list(hook({"parts": [{"a": 1}]})) == [{"a": 1}]


@pytest.mark.parametrize("code", ["", "def other(row): ...", "import no_such_module_anywhere"])
def test_a_transform_that_cannot_be_imported_is_a_clear_error(world: World, code: str) -> None:
    module = f"hook_broken_{abs(hash(code))}"
    with pytest.raises(ConfigError, match="cannot be imported"):
        load_stream(transform(world, module, code))


@pytest.mark.parametrize("code", ["raise RuntimeError('at import')", "def broken(:", "split = 5"])
def test_a_transform_that_fails_at_import_or_is_no_function_is_a_clear_error(world: World, code: str) -> None:
    with pytest.raises(ConfigError, match="transform 'hook_failing_"):
        load_stream(transform(world, f"hook_failing_{len(code)}", code))


def test_another_module_of_the_same_name_is_not_taken_by_mistake(tmp_path: Path) -> None:
    code = "def split(row):\n    yield row\n"
    load_stream(transform(World(tmp_path / "one"), "hook_twice", code))
    with pytest.raises(ConfigError, match="Python keeps one module of a name"):
        load_stream(transform(World(tmp_path / "two"), "hook_twice", code))


def test_hashes_name_what_shapes_the_result_and_nothing_else(world: World) -> None:
    def hashes(config: dict[str, Any]) -> tuple[str, str]:
        stream = load_stream(world.stream(config))
        return stream.mapping_hash, stream.scoring_hash

    mapping, scoring = hashes(stream_config())
    rules = [SCORING[1], SCORING[0], *SCORING[2:]]
    assert hashes(stream_config(scoring=rules))[0] == mapping
    assert hashes(stream_config(scoring=rules))[1] != scoring
    assert hashes(stream_config(record=RECORD | {"text": "answer"}))[0] != mapping
    assert hashes(stream_config(record=RECORD | {"text": "answer"}))[1] == scoring
    assert hashes(stream_config(otherwise=OTHERWISE | {"reason": "other"})) == (mapping, hashes(
        stream_config(otherwise=OTHERWISE | {"reason": "other"})
    )[1])  # fmt: skip
    again = {key: stream_config()[key] for key in reversed(stream_config())}
    assert hashes(again) == (mapping, scoring)


def test_the_code_of_a_transform_is_part_of_the_mapping(tmp_path: Path) -> None:
    one = load_stream(transform(World(tmp_path / "one"), "hook_one", "def split(row):\n    yield row\n"))
    two = load_stream(transform(World(tmp_path / "two"), "hook_two", "def split(row):\n    yield {}\n"))
    (tmp_path / "three").mkdir()
    assert one.mapping_hash != two.mapping_hash


def test_a_changed_file_is_seen_by_a_process_that_has_read_it_before(world: World) -> None:
    before = cached_stream(world.stream(stream_config(description="one")))
    assert cached_stream(world.stream(stream_config(description="one"))) is before
    assert cached_stream(world.stream(stream_config(description="two"))).config.description == "two"


def test_categories_are_ranked_from_accepted_to_rejected() -> None:
    assert sorted(Category, key=lambda category: category.rank) == list(Category)
    assert list(Category)[0::3] == [Category.ACCEPTED, Category.REJECTED]


def test_an_extraction_stream_needs_no_rules(world: World) -> None:
    assert load_stream(world.stream(extraction_config())).rules == ()


def test_every_key_of_a_declaration_is_documented_by_a_committed_stream() -> None:
    folder = Path(__file__).parents[2]
    texts = [path.read_text() for path in (*folder.glob("config/sources/*.yaml"), *folder.glob("examples/**/*.yaml"))]
    keys = {field.alias or name for model in (StreamConfig, FieldSpec) for name, field in model.model_fields.items()}
    missing = {key for key in keys if not any(re.search(rf"\b{key}:", text) for text in texts)}
    assert missing == set()
