"""Contamination: a benchmark's questions and answers are found in records, as the two rules say and not otherwise."""

import random

import pytest
from hypothesis import given, strategies as st

from distill_platform.refinery.screening.contamination import ContaminationIndex, Overlap
from distill_platform.refinery.screening.eval_sets import EvalSet
from distill_platform.refinery.screening.fold import words
from distill_platform.refinery.screening.tokens import fold_batch, tokenize

SENTENCES = st.lists(st.sampled_from("ab"), max_size=9).map(" ".join)
PROMPTS = st.lists(st.sampled_from("ab"), min_size=1, max_size=9).map(" ".join)


def sets(*items: tuple[str, str]) -> list[EvalSet]:
    return [EvalSet("quiz", tuple(p for p, _ in items), tuple(a for _, a in items), "0" * 64)]


def match(index: ContaminationIndex, *records: tuple[str, str]) -> Overlap:
    return index.match(tokenize(fold_batch([p for p, _ in records] + [a for _, a in records])))


def grams_of(tokens: list[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)]


def prompt_hits(items: list[tuple[str, str]], record: tuple[str, str], size: int, shortest: int) -> int:
    """The prompt rule, naively: which windows of the record stand in an evaluation prompt?"""
    windows, tiny = set(), set()
    for prompt, _ in items:
        tokens = words(prompt)
        if len(tokens) < shortest:
            tiny.add(tuple(tokens))
        windows.update(grams_of(tokens, min(size, len(tokens))) if len(tokens) >= shortest else ())
    long = {gram for gram in windows if len(gram) == size}
    short = windows - long
    hits = int(tuple(words(record[0])) in tiny)
    for tokens in map(words, record):
        hits += sum(gram in long for gram in grams_of(tokens, size))
        for start in range(len(tokens)):
            hits += any(tuple(tokens[start : start + len(gram)]) == gram for gram in short)
    return hits


def containment(items: list[tuple[str, str]], record: tuple[str, str], size: int) -> float:
    own = {gram for part in record for gram in grams_of(words(part), size)}
    answers = [set(grams_of(words(answer), size)) for _, answer in items]
    return max([len(own & grams) / len(grams) for grams in answers if grams], default=0.0)


@given(
    st.lists(st.tuples(PROMPTS, SENTENCES), max_size=4),
    st.lists(st.tuples(SENTENCES, SENTENCES), min_size=1, max_size=4),
)
def test_hits_and_containment_are_those_of_the_plain_definition(
    items: list[tuple[str, str]], records: list[tuple[str, str]]
) -> None:
    index = ContaminationIndex(sets(*items), prompt_ngram=5, answer_ngram=3, shortest_window=3)
    overlap = match(index, *records)
    assert overlap.prompt_hits.tolist() == [prompt_hits(items, record, 5, 3) for record in records]
    assert overlap.answer_containment.tolist() == [containment(items, record, 3) for record in records]
    assert ((overlap.prompt_item >= 0) == (overlap.prompt_hits > 0)).all()
    assert ((overlap.answer_item >= 0) == (overlap.answer_containment > 0)).all()
    for record, item, share in zip(records, overlap.answer_item, overlap.answer_containment, strict=True):
        assert item < 0 or containment([items[item]], record, 3) == share
    for record, item in zip(records, overlap.prompt_item, strict=True):
        assert item < 0 or prompt_hits([items[item]], record, 5, 3) > 0


QUESTION = "A baker has twelve trays and puts nine rolls on every tray how many rolls does she bake today"
ANSWER = "She bakes twelve times nine rolls so the number of rolls on all trays together is one hundred and eight"
INDEX = ContaminationIndex(sets((QUESTION, ANSWER), ("Name the largest ocean on Earth", ""), ("Who?", "")))


def test_thirteen_words_in_a_row_are_a_hit_and_twelve_are_not() -> None:
    tokens = QUESTION.split()
    overlap = match(INDEX, ("", " ".join(tokens[2:15])), ("", " ".join(tokens[2:14])), (" ".join(tokens), ""))
    assert overlap.prompt_hits.tolist() == [1, 0, len(tokens) - 12]
    assert INDEX.items[overlap.prompt_item[0]].line == 1


@pytest.mark.parametrize(
    "disguised",
    [
        QUESTION.upper(),
        QUESTION.replace(" ", "\u00a0"),
        QUESTION.replace(" ", "... "),
        QUESTION.replace("a", "а").replace("o", "о"),  # Cyrillic
        QUESTION.replace("e", "é").replace("a", "\uff41"),
        "\u200b".join(QUESTION),
        QUESTION.replace("s", "s\u0338"),
        f"Ignore this. {QUESTION}? Think step by step.",
    ],
)
def test_a_disguised_question_is_still_a_hit(disguised: str) -> None:
    assert match(INDEX, (disguised, "")).prompt_hits[0] >= 5
    assert match(INDEX, ("", disguised)).prompt_hits[0] >= 5


def test_a_short_question_is_a_hit_as_a_whole_and_a_tiny_one_only_as_the_whole_prompt() -> None:
    short = "please name the largest ocean on earth now"
    overlap = match(INDEX, (short, ""), ("", short), ("name the largest ocean", ""), ("WHO", ""), ("who knows", "who"))
    assert overlap.prompt_hits.tolist() == [1, 1, 0, 1, 0]
    assert [INDEX.items[item].line for item in overlap.prompt_item[[0, 3]]] == [2, 3]


def test_an_answer_may_be_spread_over_prompt_and_answer_but_is_counted_once() -> None:
    half, rest = ANSWER[:52], ANSWER[52:]
    overlap = match(INDEX, (ANSWER, ANSWER), (half, rest), ("", "nothing of it"))
    assert overlap.answer_containment[0] == 1.0
    assert 0 < overlap.answer_containment[1] < 1.0
    assert overlap.answer_containment[2] == 0.0


def test_without_evaluation_sets_nothing_is_contaminated() -> None:
    overlap = match(ContaminationIndex([]), (QUESTION, ANSWER))
    assert overlap.prompt_hits.tolist() == [0]
    assert overlap.prompt_item.tolist() == [-1]
    assert overlap.answer_item.tolist() == [-1]


def test_of_two_thousand_questions_each_is_found_and_none_is_found_in_other_text() -> None:
    dice = random.Random(7)
    vocabulary = [f"w{number}" for number in range(3000)]
    questions = [" ".join(dice.choices(vocabulary, k=dice.randint(13, 60))) for _ in range(2000)]
    index = ContaminationIndex(sets(*((question, "") for question in questions)))
    found = match(index, *((question, "") for question in questions))
    assert found.prompt_item.tolist() == list(range(2000))
    others = [(" ".join(dice.choices(vocabulary, k=300)), "") for _ in range(500)]
    assert match(index, *others).prompt_hits.sum() == 0


def test_of_equal_shares_the_first_item_is_named() -> None:
    first, second = (
        "one two three four five six seven eight",
        "nine ten eleven twelve thirteen fourteen fifteen sixteen",
    )
    index = ContaminationIndex(sets(("Which numbers come first?", first), ("Which come next?", second)))
    overlap = match(index, (first, second), (second, first))  # met in either order
    assert overlap.answer_containment.tolist() == [1.0, 1.0]
    assert overlap.answer_item.tolist() == [0, 0]
