"""When two texts count as the same, and which disguises do not make them differ."""

import sys
import unicodedata

import pytest
from hypothesis import given, strategies as st

from distill_platform.refinery.screening.fold import fold, text_key, words

AWKWARD = st.text(
    st.sampled_from("aSk \n\t\x00\x1f\x7f’´–ßİſϓ½ﬁÅ가각\u0301\u0308\u0345\u0327\u200d\u00ad\ufe0f\u11a8\u1160日\ud800")
)


@given(st.text() | AWKWARD)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_folded_as_the_unicode_rules_say(text: str) -> None:
    seen = "".join(char for char in text if char.isspace() or char.isprintable())
    assert fold(text) == " ".join(seen.casefold().split())


@pytest.mark.parametrize(
    "disguised",
    [
        "THE  FARMER'S\n\tMARKET ",
        "The farmer’s market",
        "Ｔｈｅ ｆａｒｍｅｒ'ｓ ｍａｒｋｅｔ",
        "The\u00a0farmer's\u2003market",
        "The far\u00admer's mar\u200bket\ufeff",
        "The farmer's\x00 market\x7f",
        "The farmer\u00b4s market",
    ],
)
def test_the_same_text_in_other_dress_is_the_same(disguised: str) -> None:
    assert fold(disguised) == "the farmer's market"
    assert text_key(fold(disguised)) == text_key("the farmer's market")


@pytest.mark.parametrize(("one", "other"), [("5 μm", "5 mm"), ("año", "ano"), ("x = 1", "x = l"), ("a b", "ab")])
def test_texts_that_mean_different_things_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    "disguised",
    [
        "раypal рays tomоrrow",  # Cyrillic letters
        "ΡΑΥΡΑL pays tomorrοw",  # Greek letters
        "paypal\u2014pays\u2026tomorrow",
        "pаy\u200dpal páys tömorrow",
        "p\u0336a\u0336y\u0336pal pays tomorrow",  # struck through
        "ＰayPal → pays · tomorrow",
    ],
)
def test_disguises_do_not_change_the_words(disguised: str) -> None:
    assert words(disguised) == ["paypal", "pays", "tomorrow"]


def test_typographic_apostrophes_separate_like_the_typewriters() -> None:
    assert words("the farmers’ market") == words("the farmers' market") == ["the", "farmers", "market"]


def test_scripts_without_spaces_are_cut_into_characters_and_others_into_words() -> None:
    assert words("日本語 is 3 signs") == ["日", "本", "語", "is", "3", "signs"]
    assert words("हिन्दी में") == ["हिन्दी", "में"]
    assert words("snake_case x-1") == ["snake", "case", "x", "1"]


def test_no_format_character_and_no_kind_of_space_survives() -> None:
    for char in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(char) == "Cf":
            assert fold(f"a{char}b") == "ab", ascii(char)
        if char.isspace():
            assert fold(f"a{char}b") == "a b", ascii(char)
