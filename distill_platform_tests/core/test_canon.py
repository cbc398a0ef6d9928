"""Canonical JSON: what is refused and why, and that one value has one text."""

import json
import math
import random
from enum import StrEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.core import canon
from distill_platform.core.errors import CanonError


class Word(StrEnum):
    YES = "yes"


REFUSED = {
    "non_finite_number": [
        b"NaN", b"[Infinity]", b'{"a":-Infinity}', b"1e999", b"[-1e999]", b'{"a":{"b":[NaN]}}', b'{"a":NaN,"a":1}',
    ],
    "duplicate_json_key": [
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'{"caf\xc3\xa9":1,"caf\\u00e9":2}',
        b'{"\\ud83d\\ude00":1,"\xf0\x9f\x98\x80":2}',
        b'{"deep":[{"x":{"y":[0,{"k":1,"k":2}]}}]}',
        b'{"a:":1,"a:":2}',
        rb'{"a\"b":1,"a\"b":2}',
        rb'{"\\":1,"\\":2}',
        rb'{"\\\"":1,"\\\"":2,":":3}',
        b'{"":1,"":2}',
        b'{"a":":::","b":"\\":","b":0}',
        b'{"a":{"a":1},"a":2}',
    ],
    "lone_surrogate": [
        b'"\\ud800"', b'"\\udc00"', b'"\\ud800\\u0041"', b'"\\udc00\\ud800"', b'{"\\uD800":1}', b'"\\uDBFFx"',
    ],
    "non_utf8": [b'"\xff"', b'{"a":"\xed\xa0\x80"}', b'"\xc0\xaf"', b'{"a":"caf\xc3', b"\xfe\xff\x00{"],
    "malformed_json": [
        b"", b" ", b"\xef\xbb\xbf{}", b"{} x", b"{}{}", b"[1,]", b'{"a":1,}', b"01", b"+1", b".5", b"1.", b"tru",
        b'"a\x00b"', b'{"a":"\n"}', b"{'a':1}", b'"\\x41"', b'"\\u00', b'{"a" 1}', b"{a:1}", b"/*c*/1", b'{1:2}',
        b'"\\ud800', b"nan", b"\x00", b"undefined", b"[1 2]", b"0x10", b"1_000",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("reason", "text"), [(reason, text) for reason, texts in REFUSED.items() for text in texts])
def test_each_kind_of_bad_text_is_refused_for_its_own_reason(reason: str, text: bytes) -> None:
    with pytest.raises(CanonError) as caught:
        canon.parse(text)
    assert caught.value.reason == reason
    assert caught.value.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'{"\\":":","b":"\\\\"}', {"\\": ":", "b": "\\\\"}),
        (rb'{"a\"b:":"\\\"","c:":[{":":"\":"}]}', {'a"b:': '\\"', "c:": [{":": '":'}]}),
        (b'{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}', {"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 1}]}),
        (b' {"a" : 1 }\t', {"a": 1}),
        (b'"\\ud83d\\ude00\\u0000"', "\U0001f600\0"),
        (b"[1.0,-0.0,1E3,1e-400]", [1.0, -0.0, 1000.0, 0.0]),
        (b"null", None),
    ],
)
def test_valid_texts_with_colons_quotes_and_backslashes_are_read(text: bytes, value: Any) -> None:
    assert canon.parse(text) == value


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\n", "\t: ")])
@pytest.mark.parametrize("text", ["", "a b", '": "', '\\": :\n', ' :": :', "é“x”: 1"])
@pytest.mark.parametrize("number", [1, 0.5, 1e300])
def test_a_duplicate_key_is_found_however_the_line_is_written(
    separators: tuple[str, str], text: str, number: float
) -> None:
    for ascii_only in (True, False):
        line = json.dumps({"a": text, "b": {"c": number, text: [text]}}, ensure_ascii=ascii_only, separators=separators)
        assert canon.parse(line.encode()) == json.loads(line)
        for key in ('"a"', '"b"', '"\\u0061"'):
            doubled = line[:-1] + separators[0] + key + separators[1] + json.dumps(number) + "}"
            with pytest.raises(CanonError) as caught:
                canon.parse(doubled.encode())
            assert caught.value.reason == "duplicate_json_key"


def test_a_duplicate_key_is_named() -> None:
    with pytest.raises(CanonError, match="'k:'"):
        canon.parse(b'{"a":{"k:":1,"k:":2}}')


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 2**63, 0])
def test_whole_numbers_of_64_bits_are_kept_exactly(number: int) -> None:
    assert canon.parse(str(number).encode()) == number
    assert canon.dumps([number]) == b"[%d]" % number


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30, -(10**30), 10**300])
@pytest.mark.parametrize("shape", ["%d", "[%d]", '{"id":{"x":[1,%d]}}'])
def test_whole_numbers_beyond_64_bits_are_refused_and_never_rounded(number: int, shape: str) -> None:
    with pytest.raises(CanonError, match="64 bits") as caught:
        canon.parse((shape % number).encode())
    assert caught.value.reason == "malformed_json"


@pytest.mark.parametrize("text", [b"1e30", b"-1.5e25", b"18446744073709551616.0", b"-9223372036854775808.0"])
def test_large_floats_are_no_whole_numbers(text: bytes) -> None:
    assert canon.parse(text) == float(text)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_what_can_be_read_can_be_written_at_every_depth(opening: bytes, closing: bytes) -> None:
    levels = opening.count(b"[") + opening.count(b"{")
    for depth in range(240, 270):
        text = opening * depth + b"1" + closing * depth
        if depth * levels <= 254:
            assert canon.dumps(canon.parse(text)) == text
        else:
            with pytest.raises(CanonError) as caught:
                canon.parse(text)
            assert caught.value.reason == "deep_nesting"


@pytest.mark.parametrize("depth", [600, 1_024, 1_025, 5_000, 300_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused_without_a_crash(depth: int, opening: bytes, closing: bytes) -> None:
    with pytest.raises(CanonError) as caught:
        canon.parse(opening * depth + b"1" + closing * depth)
    assert caught.value.reason == "deep_nesting"


@pytest.mark.parametrize("value", [{1: 2}, {"a": {1}}, "\ud800", {"\udc00": 1}, 2**64, b"bytes", object()])
def test_a_value_json_cannot_hold_is_not_written(value: Any) -> None:
    with pytest.raises(CanonError) as caught:
        canon.dumps(value)
    assert caught.value.reason == "malformed_json"


@pytest.mark.parametrize("value", [math.nan, [math.inf], {"a": ({"b": -math.inf},)}])
def test_non_finite_numbers_from_elsewhere_can_be_refused(value: Any) -> None:
    with pytest.raises(CanonError) as caught:
        canon.refuse_non_finite(value)
    assert caught.value.reason == "non_finite_number"


@given(st.recursive(st.floats() | st.integers(0, 9) | st.text() | st.none() | st.booleans(), st.lists, max_leaves=8))
def test_what_is_no_number_is_null_and_all_else_stays(value: Any) -> None:
    found = canon.json_value({"value": value})
    canon.refuse_non_finite(found)
    assert canon.json_value(found) == found
    assert canon.dumps(found) == canon.dumps({"value": value})


def test_words_tuples_and_numpy_s_doubles_become_plain_values() -> None:
    found = canon.json_value({"a": (np.float64(1.5), np.float64("inf")), "b": Word.YES})
    assert found == {"a": [1.5, None], "b": "yes"}
    assert (type(found["a"][0]), type(found["b"])) == (float, str)


def test_the_canonical_text_is_fixed() -> None:
    value = {"b": [1, 1.0, -0.0, None, True], "a": {"é": "\u2028\n\x7f", "Z": ""}, "": 1e16}
    assert canon.dumps(value).decode() == '{"":1e+16,"a":{"Z":"","é":"\u2028\\n\x7f"},"b":[1,1.0,-0.0,null,true]}'
    assert canon.sig_hash({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(['"', "\\", ":", '\\":', "{}"])
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_was_written_is_read_back_and_written_the_same(value: Any) -> None:
    text = canon.dumps(value)
    assert canon.parse(text) == value
    assert canon.dumps(canon.parse(text)) == text


def shuffled(value: Any, dice: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        dice.shuffle(keys)
        return {key: shuffled(value[key], dice) for key in keys}
    return [shuffled(item, dice) for item in value] if isinstance(value, list) else value


@given(VALUES, st.randoms(use_true_random=False), st.booleans(), st.sampled_from([None, 1]))
def test_key_order_spaces_and_escapes_of_the_text_do_not_change_the_hash(
    value: Any, dice: random.Random, ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(shuffled(value, dice), ensure_ascii=ascii_only, indent=indent).encode()
    assert canon.sig_hash(canon.parse(text)) == canon.sig_hash(value)


@given(VALUES, VALUES)
def test_different_values_have_different_texts(left: Any, right: Any) -> None:
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert (canon.dumps(left) == canon.dumps(right)) == same


def strict_by_the_standard_library(text: bytes) -> bool:
    """Whether the standard library reads the text, with our strict rules added on top of it."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(found)) != len(found):
            raise ValueError("duplicate key")
        return dict(found)

    def whole(digits: str) -> int:
        if not -(2**63) <= int(digits) <= 2**64 - 1:
            raise ValueError("too wide")
        return int(digits)

    def real(digits: str) -> float:
        if not math.isfinite(float(digits)):
            raise ValueError("infinite")
        return float(digits)

    def constant(name: str) -> None:
        raise ValueError(name)

    try:
        value = json.loads(
            text.decode(), object_pairs_hook=pairs, parse_int=whole, parse_float=real, parse_constant=constant
        )
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True


PIECES = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    '"a"',
    '"b"',
    '"\\u0061"',
    "\\",
    '\\"',
    "1",
    "-",
    "0",
    ".",
    "e5",
    "NaN",
    "null",
]
MORE = ["true", " ", "\\ud800", "\\udc00", '{"a":1}', '{"a":', "é", "\t", "9" * 21, "1e999", '"k":', '"v"', ',"k":']
FRAGMENTS = st.lists(st.sampled_from(PIECES + MORE), max_size=9)


@given(FRAGMENTS)
def test_acceptance_agrees_with_the_standard_library_plus_our_rules(pieces: list[str]) -> None:
    text = "".join(pieces).encode()
    try:
        canon.parse(text)
    except CanonError:
        assert not strict_by_the_standard_library(text)
    else:
        assert strict_by_the_standard_library(text)


@given(VALUES, st.data())
def test_one_changed_byte_never_crashes(value: Any, data: st.DataObject) -> None:
    text = bytearray(canon.dumps(value))
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    try:
        canon.dumps(canon.parse(bytes(text)))
    except CanonError as error:
        assert error.reason in REFUSED
