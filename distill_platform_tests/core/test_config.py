"""Configuration files: strict, and errors that say file, line, column, and the nearest known name."""

import time
from pathlib import Path

import pytest
from pydantic import Field

from distill_platform.core.config import StrictModel, load_keys, load_yaml, rule_error
from distill_platform.core.errors import ConfigError
from distill_platform.core.expression import Kind, compile_expression


class Limits(StrictModel):
    low: float = 0.0
    retries: int = 1
    on: bool = False


class Rule(StrictModel):
    when: str
    reason: str = "none"


class Config(StrictModel):
    name: str
    limits: Limits = Limits()
    rules: list[Rule] = Field(default_factory=list)
    groups: dict[str, Limits] = Field(default_factory=dict)
    kind: str = Field("plain", alias="class")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.yaml"


def load(file: Path, text: str | bytes) -> Config:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_yaml(file, Config)


def refusal(file: Path, text: str | bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(file, text)
    assert caught.value.file == str(file)
    assert str(caught.value).startswith(f"{file}:" if caught.value.line else str(file))
    return caught.value


def test_a_right_file_is_read(file: Path) -> None:
    config = load(
        file, "name: a\nclass: b\nlimits: {low: 1, on: true}\nrules:\n  - {when: x}\ngroups: {g: {retries: 2}}\n"
    )
    assert (config.kind, config.limits.low, config.rules[0].when, config.groups["g"].retries) == ("b", 1.0, "x", 2)
    with pytest.raises(ValueError, match="frozen"):
        config.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("name: a\nlimit: {}\n", 2, 1, ["unknown key 'limit'", "Did you mean 'limits'?"]),
        ("nmae: a\n", 1, 1, ["unknown key 'nmae'", "Did you mean 'name'?"]),
        ("name: a\nlimits:\n  low: 1\n  retrys: 2\n", 4, 3, ["'limits.retrys'", "Did you mean 'retries'?"]),
        ("name: a\nlimits: {low: 1, lwo: 2}\n", 2, 18, ["'limits.lwo'", "Did you mean 'low'?"]),
        ("name: a\nrules:\n  - when: x\n    reson: y\n", 4, 5, ["'rules.0.reson'", "Did you mean 'reason'?"]),
        ("name: a\ngroups:\n  g: {lo: 1}\n", 3, 7, ["'groups.g.lo'", "Did you mean 'low'?"]),
        ("name: a\nzzzzzz: 1\n", 2, 1, ["Known: class, groups, limits, name, rules"]),
        ("name: a\nclas: b\n", 2, 1, ["Did you mean 'class'?"]),
        ("name: a\nlimits: 3\n", 2, 9, ["limits"]),
        ("name: a\nlimits: {low: '1'}\n", 2, 15, ["limits.low", "number"]),
        ("name: a\nlimits: {retries: 1.5}\n", 2, 19, ["limits.retries"]),
        ("name: a\nlimits: {retries: yes}\n", 2, 19, ["limits.retries", "integer"]),
        ("name: a\nlimits: {on: 1}\n", 2, 14, ["limits.on", "boolean"]),
        ("name: yes\n", 1, 7, ["name", "string"]),
        ("name: 1.5\n", 1, 7, ["name", "string"]),
        ("name: ~\n", 1, 7, ["name", "string"]),
        ("name: [a]\n", 1, 7, ["name", "string"]),
        ("name: a\nrules: {when: x}\n", 2, 8, ["rules", "list"]),
        ("name: a\nname: b\n", 2, 1, ["key 'name' stands twice"]),
        ('name: a\n"name": b\n', 2, 1, ["key 'name' stands twice"]),
        ("name: a\ngroups:\n  g: {low: 1,\n    low: 2}\n", 4, 5, ["key 'low' stands twice"]),
        ("name: a\n? [x]\n: 1\n", 2, 3, ["key is not a word"]),
        ("name: a\nlimits:\n\tlow: 1\n", 3, 1, ["not YAML"]),
        ("name: a\nrules: [\n", 3, 1, ["not YAML"]),
        ("name: 'a\n", 2, 1, ["not YAML"]),
        ("name: a: b\n", 1, 8, ["not YAML"]),
        ("name: !!python/object/apply:os.system ['true']\n", 1, 7, ["name"]),
        ("name: !!binary '%%%'\n", 1, 7, ["name"]),
        ("--- {name: a}\n--- {name: b}\n", 2, 1, ["not YAML"]),
        ("- name: a\n", 1, 0, ["must be a YAML mapping"]),
        ("name", 1, 0, ["must be a YAML mapping"]),
        ("", 1, 0, ["must be a YAML mapping"]),
        ("# only a comment\n", 1, 0, ["must be a YAML mapping"]),
        ("name: a\nlimits: &l {low: 1}\ngroups: {g: {<<: *l}}\n", 3, 14, ["unknown key", "<<"]),
        ("name: &x [*x]\n", 1, 7, ["must not hold itself"]),
        ("name: a\x00\n", 0, 0, ["not YAML"]),
        ("", 1, 0, ["mapping"]),
    ],
)
def test_every_mistake_is_placed_and_explained(file: Path, text: str, line: int, column: int, words: list[str]) -> None:
    error = refusal(file, text)
    assert (error.line, error.column) == (line, column), str(error)
    assert all(word in str(error) for word in words), str(error)


def test_a_missing_key_is_named(file: Path) -> None:
    assert "name: Field required" in str(refusal(file, "limits: {}\n"))


def test_a_misspelt_required_key_is_shown_as_misspelt_and_not_as_missing(file: Path) -> None:
    assert "unknown key 'naem'" in str(refusal(file, "class: x\nnaem: a\n"))


def test_a_date_stays_the_text_it_is(file: Path) -> None:
    assert load(file, "name: 2026-04-20\n").name == "2026-04-20"


def test_bytes_that_are_not_utf_8_are_refused(file: Path) -> None:
    assert "is not UTF-8 (byte 6)" in str(refusal(file, b"name: \xff\n"))


def test_a_byte_order_mark_and_crlf_are_fine(file: Path) -> None:
    assert load(file, b"\xef\xbb\xbfname: a\r\nclass: b\r\n").kind == "b"


def test_a_huge_file_is_refused_before_it_is_read(file: Path) -> None:
    with file.open("wb") as opened:
        opened.truncate(50 * 2**30)
    with pytest.raises(ConfigError, match="larger than 1000000 bytes"):
        load_yaml(file, Config)


def test_a_missing_file_and_a_folder_are_clear_errors(file: Path, tmp_path: Path) -> None:
    for path in (file, tmp_path):
        with pytest.raises(ConfigError, match="cannot be read") as caught:
            load_yaml(path, Config)
        assert caught.value.file == str(path)


def test_an_alias_stands_for_its_value(file: Path) -> None:
    assert load(file, "name: &x a\nclass: *x\n").kind == "a"


def test_a_bomb_of_aliases_is_refused_at_once(file: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    started = time.monotonic()
    assert "its aliases stand for more than 100,000 values" in str(refusal(file, "\n".join(lines)))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("text", ["name: " + "[" * 5_000, "name: " + "{a: " * 5_000, "- " * 5_000 + "x"])
def test_deep_nesting_is_refused(file: Path, text: str) -> None:
    assert "nested too deeply" in str(refusal(file, text)) or "not YAML" in str(refusal(file, text))


def test_nesting_that_only_the_builder_cannot_follow_is_refused(file: Path) -> None:
    for depth in (60, 150, 300, 450):
        refusal(file, f"name: {'[' * depth}{']' * depth}\n")


KINDS = {"good": Kind.NUMBER, "color": Kind.NUMBER, "word": Kind.STRING}
SHAPES = {
    "plain": ("rules:\n  - when: {rule}\n", 2, 11),
    "flow": ('rules: [{{when: "{rule}"}}]\n', 1, 17),
    "single": ("rules:\n  - when: '{rule}'\n", 2, 12),
    "double": ('rules:\n  -   when:   "{rule}"\n', 2, 16),
    "literal": ("rules:\n  - when: |\n      {rule}\n", 3, 7),
    "folded": ("rules:\n  - when: >-\n\n      {rule}\n    reason: x\n", 4, 7),
    "comment": ("rules:\n  - when: >   # why\n      {rule}\n", 3, 7),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rule", ["colr == 1", "(color == 1) && colr == 2", "word == 'é' || colr == 3"])
def test_a_typo_in_a_rule_is_placed_in_the_file_whatever_the_style_of_the_text(
    file: Path, shape: str, rule: str
) -> None:
    template, line, column = SHAPES[shape]
    rule = rule.replace("'", "''") if shape == "single" else rule
    error = placed(file, "name: a\n" + template.format(rule=rule), KINDS)
    assert (error.line, error.column) == (line + 1, column + rule.index("colr"))
    assert "Did you mean `color`?" in str(error)


def placed(file: Path, text: str, kinds: dict[str, Kind]) -> ConfigError:
    when = load(file, text).rules[0].when
    with pytest.raises(ConfigError) as caught:
        compile_expression(when, kinds)
    error = rule_error(file, ("rules", 0, "when"), caught.value)  # type: ignore[arg-type]
    assert str(error).startswith(f"{file}:{error.line}:{error.column}: ")
    return error


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("name: a\nrules:\n  - when: >-\n      good == 1\n      && color == 2\n      && colr == 3\n", 6, 10),
        ("name: a\nrules:\n  - when: |\n      good == 1 &&\n\n        colr == 3\n", 6, 9),
        ("name: a\nrules:\n  - when: good == 1\n      && colr == 3\n", 4, 10),
        ('name: a\nrules:\n  - when: "good == 1\n      && colr == 3"\n', 4, 10),
        ("name: a\nrules:\n  - when: 'good == 1\n\n      && colr == 3'\n", 5, 10),
        ("name: a\nrules:\n  - when: 'word == ''x y'' && colr == 3'\n", 3, 31),
        ('name: a\nrules:\n  - when: "word == \\"x\\" && colr == 3"\n', 3, 29),
        ('name: a\nrules:\n  - when: "good == 1\\n && \\x63olr == 3"\n', 3, 27),
        ("name: a\nrules:\n  - when: >-\n      good == 1\n      && color ==\n", 5, 18),
        ("name: a\r\nrules:\r\n  - when: >-\r\n      good == 1\r\n      && colr == 3\r\n", 5, 10),
        ("\ufeffname: a\nrules:\n  - when: colr == 3\n", 3, 11),
    ],
)
def test_a_typo_on_a_later_line_of_a_rule_is_found_there(file: Path, text: str, line: int, column: int) -> None:
    error = placed(file, text, KINDS)
    assert (error.line, error.column) == (line, column), str(error)


def test_a_room_reads_the_keys_that_it_knows_and_no_other(file: Path) -> None:
    file.write_text("surprise: [1]\nlow: 2.5\nlow_too: nobody knows\n")
    assert load_keys(file, Limits) == Limits(low=2.5)


def test_a_wrong_value_of_a_known_key_is_placed_and_a_repeated_key_refused(file: Path) -> None:
    file.write_text("surprise: 1\nretries: many\n")
    with pytest.raises(ConfigError, match=r"some\.yaml:2:10"):
        load_keys(file, Limits)
    file.write_text("low: 1.0\nlow: 2.0\n")
    with pytest.raises(ConfigError, match="stands twice"):
        load_keys(file, Limits)
