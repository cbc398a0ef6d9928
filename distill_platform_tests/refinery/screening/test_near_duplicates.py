"""Near-duplicates: candidates are found, judged exactly, best first, and in linear time where texts repeat."""

import time
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from distill_platform.refinery.screening.fold import words
from distill_platform.refinery.screening.kernels import (
    BANDS,
    candidates,
    drop_near_duplicates,
    shingle_texts,
    shingles,
    signatures,
    similarities,
)
from distill_platform.refinery.screening.tokens import fold_batch, tokenize

SENTENCES = st.lists(st.sampled_from("abcdefgh"), max_size=14).map(" ".join)


def shingle_set(text: str, size: int = 5) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + size]) for i in range(max(len(found) - size + 1, min(len(found), 1)))}


def similarity(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    return len(one & other) / len(one | other)


def keep_greedily(order: list[int], keys: npt.NDArray[np.uint64], texts: list[str], threshold: float) -> list[int]:
    """The rule in plain words: compare with every kept row that shares a band."""
    sets = [shingle_set(text) for text in texts]
    kept: list[int] = []
    result = [-1] * len(texts)
    for row in order:
        if not sets[row]:
            continue
        similar = (r for r in kept if (keys[r] == keys[row]).any() and similarity(sets[r], sets[row]) >= threshold)
        result[row] = next(similar, -1)
        if result[row] < 0:
            kept.append(row)
    return result


@given(SENTENCES, SENTENCES)
def test_jaccard_is_exact(one: str, other: str) -> None:
    offsets, values = shingle_texts(pa.array([one, other]))
    assert all((np.diff(values[low:high]) > 0).all() for low, high in pairwise(offsets))
    expected = similarity(shingle_set(one), shingle_set(other)) if one or other else 1.0
    rows = np.array([0, 1, 0]), np.array([1, 0, 0])
    assert similarities(offsets, values, *rows).tolist() == [expected, expected, 1.0]


@given(st.lists(SENTENCES, max_size=12), st.randoms(use_true_random=False), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_rows_are_dropped_greedily_in_rank_order(texts: list[str], random, threshold: float) -> None:  # type: ignore[no-untyped-def]
    tokens = tokenize(fold_batch(texts))
    keys = signatures(tokens)
    order = list(range(len(texts)))
    random.shuffle(order)
    got = drop_near_duplicates(np.array(order, np.int64), keys, *shingles(tokens), threshold)
    assert got.tolist() == keep_greedily(order, keys, texts, threshold)


@given(st.lists(SENTENCES, max_size=12))
def test_rows_that_share_no_band_need_no_shingles(texts: list[str]) -> None:
    tokens = tokenize(fold_batch(texts))
    keys = signatures(tokens)
    crowded = candidates(keys)
    bare = shingle_texts(
        pa.array([text if flag else "" for text, flag in zip(texts, crowded, strict=True)], pa.string())
    )
    order = np.arange(len(texts), dtype=np.int64)
    full = drop_near_duplicates(order, keys, *shingles(tokens), 0.8)
    assert drop_near_duplicates(order, keys, *bare, 0.8).tolist() == full.tolist()
    shares = [any((keys[a] == keys[b]).any() and keys[a].any() for b in order if b != a) for a in order]
    assert crowded.tolist() == shares


def test_texts_without_words_are_always_kept_and_have_no_keys() -> None:
    tokens = tokenize(fold_batch(["", "...", "a b c d e f", ""]))
    keys = signatures(tokens)
    assert keys[[0, 1, 3]].max() == 0
    assert keys[2].min() > 0
    assert candidates(keys).tolist() == [False] * 4
    assert drop_near_duplicates(np.arange(4), keys, *shingles(tokens), 0.0).tolist() == [-1] * 4


def pairs(union: int, shared: int, count: int) -> tuple[list[str], list[str]]:
    """Return pairs of texts made of `union` 5-word shingles in all, of which `shared` are in both."""
    generator = np.random.default_rng(union)
    texts: tuple[list[str], list[str]] = ([], [])
    for _ in range(count):
        stem = [f"w{n}" for n in generator.integers(0, 1 << 40, shared + 4)]
        own = (union - shared) // 2
        texts[0].append(" ".join(stem + [f"x{n}" for n in generator.integers(0, 1 << 40, own)]))
        texts[1].append(" ".join(stem + [f"y{n}" for n in generator.integers(0, 1 << 40, union - shared - own)]))
    return texts


@pytest.mark.parametrize("union", [5, 10, 40, 300])
def test_pairs_as_similar_as_the_threshold_become_candidates_and_others_seldom(union: int) -> None:
    def met(jaccard: float) -> float:
        left, right = (signatures(tokenize(fold_batch(texts))) for texts in pairs(union, round(jaccard * union), 1000))
        return float((left == right).any(axis=1).mean())

    assert met(0.8) >= 0.99  # 0.9965 is expected, and 1,000 pairs are few
    assert met(0.4) <= 0.12


def test_many_copies_of_one_text_cost_one_comparison_each() -> None:
    size = 100_000
    keys = np.full((size, BANDS), 7, np.uint64)
    order = np.arange(size)[::-1].copy()
    offsets = np.arange(size + 1) * 20
    values = np.tile(np.arange(20, dtype=np.uint64), size)
    drop_near_duplicates(order[:0], keys[:0], offsets[:1], values[:0], 0.8)
    started = time.process_time()
    duplicate_of = drop_near_duplicates(order, keys, offsets, values, 0.8)
    assert time.process_time() - started < 2.0
    assert (duplicate_of[:-1] == size - 1).all()
    assert duplicate_of[-1] == -1


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2]])
def test_of_two_kept_rows_that_a_third_resembles_the_better_ranked_is_named(order: list[int]) -> None:
    keys = np.arange(3 * BANDS, dtype=np.uint64).reshape(3, BANDS) + np.uint64(1)
    keys[2, 3], keys[2, 5] = keys[1, 3], keys[0, 5]  # the third meets the second first, then the first
    values = np.array([1, 2, 3, 4, 5, 6, 1, 2, 4, 5], np.uint64)
    offsets = np.array([0, 3, 6, 10])
    assert drop_near_duplicates(np.array(order), keys, offsets, values, 0.4)[2] == order[0]
