"""Compiled folding and tokenizing agree with the plain definitions, however texts are batched."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.refinery.screening.characters import AWKWARD, folds, learn
from distill_platform.refinery.screening.fold import fold, words
from distill_platform.refinery.screening.tokens import fold_batch, grams, tokenize

TEXTS = st.lists(
    st.text() | st.text(st.sampled_from("aB9 \n\t\x00\x1c_’é日\u200b.½Ꭰ가\u0301\u11a8🙂\ud800")), max_size=8
)


@given(TEXTS)
def test_a_batch_is_folded_as_each_text_alone(texts: list[str]) -> None:
    folded = fold_batch(texts)
    got = [
        bytes(folded.data[a:b]).decode("utf-8", "surrogatepass")
        for a, b in zip(folded.starts, folded.ends, strict=True)
    ]
    assert got == [fold(text) for text in texts]


CHARACTERS = (*range(0x3400), *range(0xA000, 0xAC20), *range(0xD780, 0x11000), *range(0x11000, 0x110000, 17))


@pytest.mark.slow
def test_every_character_folds_in_company_as_its_text_says() -> None:
    """Between letters that compose, or do not end, the table of characters agrees with folding the whole text."""
    texts = [f"A{char}é{char}가{char}ß–{char}ᄀ{char}{char} Ǆ{char}z" for char in map(chr, CHARACTERS)]
    folded = fold_batch(texts)
    for text, start, end in zip(texts, folded.starts, folded.ends, strict=True):
        assert bytes(folded.data[start:end]).decode("utf-8", "surrogatepass") == fold(text)
    spelled = [words(text) for text in texts]
    tokens, plain = tokenize(folded), tokenize(fold_batch([" ".join(row) for row in spelled]))
    assert tokens.offsets.tolist() == plain.offsets.tolist() == [0, *np.cumsum([len(row) for row in spelled])]
    assert (tokens.hashes == plain.hashes).all()


def test_most_letters_are_folded_by_the_table() -> None:
    learn(map(ord, "é—“日가я…🙂\u0301½\u11a8"))
    assert [int(folds().sizes[ord(char)]) - 1 for char in "é—“日가я…🙂"] == [2, 1, 1, 3, 3, 2, 3, 4]
    assert [int(folds().sizes[ord(char)]) for char in "\u0301½\u11a8"] == [AWKWARD] * 3


@given(TEXTS)
def test_equal_tokens_have_equal_hashes_and_others_differ(texts: list[str]) -> None:
    tokens = tokenize(fold_batch(texts))
    spelled = [words(text) for text in texts]
    assert tokens.counts.tolist() == [len(row) for row in spelled]
    by_word = dict(zip([word for row in spelled for word in row], tokens.hashes.tolist(), strict=True))
    assert [by_word[word] for row in spelled for word in row] == tokens.hashes.tolist()
    assert len(set(by_word.values())) == len(by_word)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=9), max_size=5), st.integers(1, 6))
def test_equal_grams_have_equal_hashes_and_others_differ(rows: list[list[str]], size: int) -> None:
    tokens = tokenize(fold_batch([" ".join(row) for row in rows]))
    hashes = grams(tokens, size)
    known: dict[tuple[str, ...], int] = {}
    for row, start in zip(rows, tokens.offsets[:-1].tolist(), strict=True):
        for index in range(len(row) - size + 1):
            gram = tuple(row[index : index + size])
            assert known.setdefault(gram, int(hashes[start + index])) == hashes[start + index]
    assert len(set(known.values())) == len(known)


def test_a_short_row_has_one_gram_of_all_its_tokens_on_request() -> None:
    short, long = tokenize(fold_batch(["a b c"])), tokenize(fold_batch(["a b c d"]))
    assert grams(short, 5, whole=True)[0] == grams(long, 3)[0]


def test_hashes_are_the_same_in_every_run() -> None:
    tokens = tokenize(fold_batch(["The quick brown fox"]))
    assert tokens.hashes.dtype == np.uint64
    assert [f"{value:016x}" for value in tokens.hashes.tolist()] == [
        "fedcdeb19fb07a73",
        "3730f39555702ed2",
        "cc3aadefca860480",
        "b7384813b1e8cbf7",
    ]
    assert f"{int(grams(tokens, 4)[0]):016x}" == "da67046fef08f59f"
