"""Excerpts are safe to show: nothing in them acts on a terminal, and no secret or person stands in them."""

import json
import unicodedata

import pytest
from hypothesis import given, strategies as st

from distill_platform.refinery.excerpt import excerpt, line_excerpt
from distill_platform_tests.tiny_project import TOKEN


def invisible(shown: str) -> list[str]:
    """Characters that a terminal acts on, or does not show."""
    return [char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]


@given(st.text(max_size=600))
def test_every_character_can_be_seen(text: str) -> None:
    assert not invisible(excerpt(text))


@given(st.binary(max_size=600))
def test_any_bytes_can_be_shown(raw: bytes) -> None:
    assert not invisible(line_excerpt(raw))


def test_long_texts_say_how_much_is_left_out() -> None:
    assert excerpt("a b " * 1000, 8) == "a b a b … (+3,992 characters)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202egnp", "\\u202egnp"),
        ("Ünïcode 你好", "Ünïcode 你好"),
    ],
)
def test_what_cannot_be_seen_is_escaped(text: str, shown: str) -> None:
    assert excerpt(text) == shown


@pytest.mark.parametrize("place", [0, 50, 5000])
def test_a_secret_anywhere_hides_the_whole_text(place: int) -> None:
    text = "word " * (place // 5) + f"token {TOKEN} end"
    assert excerpt(text) == "(hidden: it holds github_token)"
    assert line_excerpt(json.dumps({"deep": [{"say": text}]}).encode()) == "(hidden: it holds github_token)"


def test_a_secret_behind_json_escapes_or_in_a_key_is_found() -> None:
    escaped = "".join(f"\\u{ord(char):04x}" for char in TOKEN)
    assert "github_token" in line_excerpt(f'{{"say": "{escaped}"}}'.encode())
    assert "github_token" in line_excerpt(f'{{"{escaped}": 1}}'.encode())


def test_people_are_hidden() -> None:
    assert "ada" not in excerpt("write to ada.lovelace@corp.example.org today")
