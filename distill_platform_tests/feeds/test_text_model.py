"""Text models: what they may say, what is dropped, and that a title is asked about once."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import TextModelFailed
from distill_platform.feeds.events.normalizing import EventKind
from distill_platform.feeds.events.text_model import RememberedTextModel, read_titles

SOUND = {"kind": "security", "polarity": -0.7, "summary": "A hack.", "entities": ["Bitcoin"]}


class Scripted:
    """A text model that says what it is told to, and counts how often it is asked."""

    version = "scripted-1"

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def read(self, titles: Sequence[str]) -> Sequence[object]:
        self.asked.extend(titles)
        return [self.answers.pop(0) for _ in titles]


def test_a_sound_answer_becomes_typed_values() -> None:
    (reading,) = read_titles(Scripted(SOUND), ["Exchange hacked"]).accepted.values()
    assert (reading.kind, reading.polarity, reading.entities) == (EventKind.SECURITY, -0.7, ["Bitcoin"])


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "good news",
        [],
        {},
        SOUND | {"polarity": 1.5},
        SOUND | {"polarity": math.nan},
        SOUND | {"polarity": math.inf},
        SOUND | {"polarity": "0.5"},
        SOUND | {"polarity": True},
        SOUND | {"kind": "order"},
        SOUND | {"kind": 3},
        SOUND | {"entities": "Bitcoin"},
        SOUND | {"entities": ["x"] * 21},
        SOUND | {"entities": [""]},
        SOUND | {"summary": "x" * 501},
        SOUND | {"published_at": "2020-01-01T00:00:00Z"},
        SOUND | {"symbol": "BTC"},
        SOUND | {"order": {"side": "buy"}},
    ],
)
def test_anything_else_is_dropped_with_a_reason(answer: object) -> None:
    found = read_titles(Scripted(answer), ["Exchange hacked"])
    assert not found.accepted
    assert found.rejected[0].title == "Exchange hacked"
    assert found.rejected[0].reason


@given(
    st.recursive(
        st.none() | st.floats() | st.text(max_size=5),
        lambda inner: st.dictionaries(st.text(max_size=9), inner),
        max_leaves=4,
    )
)
def test_no_answer_breaks_the_reading(answer: object) -> None:
    found = read_titles(Scripted(answer), ["Exchange hacked"])
    assert len(found.accepted) + len(found.rejected) == 1


def test_answers_of_the_wrong_number_belong_to_nobody() -> None:
    class Short(Scripted):
        def read(self, titles: Sequence[str]) -> Sequence[object]:
            return [SOUND]

    found = read_titles(Short(), ["one", "two"])
    assert not found.accepted
    assert [each.reason for each in found.rejected] == ["answer_count: 1 answers to 2 titles"] * 2


def test_a_title_is_asked_about_once_even_by_the_next_run(tmp_path: Path) -> None:
    model = Scripted(SOUND, SOUND | {"polarity": 0.9})
    first = read_titles(RememberedTextModel(model, tmp_path), ["a", "a"])
    again = read_titles(RememberedTextModel(model, tmp_path), ["b", "a"])
    assert model.asked == ["a", "b"]
    assert again.accepted["a"] == first.accepted["a"]


def test_another_version_is_asked_anew(tmp_path: Path) -> None:
    read_titles(RememberedTextModel(Scripted(SOUND), tmp_path), ["a"])
    other = Scripted(SOUND)
    other.version = "scripted-2"
    read_titles(RememberedTextModel(other, tmp_path), ["a"])
    assert other.asked == ["a"]


def test_a_damaged_answer_is_asked_for_again(tmp_path: Path) -> None:
    read_titles(RememberedTextModel(Scripted(SOUND), tmp_path), ["a"])
    next(tmp_path.rglob("*.json")).write_bytes(b'{"kind": "head')
    again = Scripted(SOUND)
    assert read_titles(RememberedTextModel(again, tmp_path), ["a"]).accepted
    assert again.asked == ["a"]


def test_what_is_not_json_is_not_remembered(tmp_path: Path) -> None:
    answers = (SOUND | {"polarity": math.nan}, {1, 2})
    found = read_titles(RememberedTextModel(Scripted(*answers), tmp_path), ["a", "b"])
    assert len(found.rejected) == 2
    assert not list(tmp_path.rglob("*.json"))


def test_a_model_that_fails_is_an_error_that_says_so() -> None:
    class Failing(Scripted):
        def read(self, titles: Sequence[str]) -> Sequence[object]:
            raise TimeoutError("no answer in 30 s")

    with pytest.raises(TextModelFailed, match="TimeoutError: no answer in 30 s"):
        read_titles(Failing(), ["one"])
