import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.cpcv import cpcv_counts, cpcv_paths, cpcv_splits


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int]:
    n_groups = draw(st.integers(2, 9))
    return n_groups, draw(st.integers(1, n_groups - 1))


def test_six_groups_two_of_them_tested_make_fifteen_splits_and_five_paths() -> None:
    counts = cpcv_counts(6, 2)
    assert (counts.n_splits, counts.n_paths) == (15, 5)


def test_counts_are_exact_beyond_what_floats_hold() -> None:
    counts = cpcv_counts(200, 100)
    assert counts.n_splits == math.comb(200, 100)
    assert counts.n_paths * 200 == counts.n_splits * 100


@pytest.mark.parametrize(("n_groups", "n_test_groups"), [(6, 0), (6, 6), (6, 7), (6, -1), (1, 1), (0, 0)])
def test_something_must_be_tested_and_something_trained_on(n_groups: int, n_test_groups: int) -> None:
    for function in (cpcv_counts, cpcv_splits, cpcv_paths):
        with pytest.raises(ValueError, match="n_test_groups"):
            function(n_groups, n_test_groups)


def test_numbers_of_groups_are_whole() -> None:
    with pytest.raises(TypeError):
        cpcv_counts(6.0, 2)  # type: ignore[arg-type]


@given(sizes())
def test_splits_are_all_combinations_in_lexicographic_order(size: tuple[int, int]) -> None:
    splits = list(cpcv_splits(*size))
    assert splits == list(combinations(range(size[0]), size[1]))
    assert len(splits) == cpcv_counts(*size).n_splits


def test_splits_are_made_one_at_a_time() -> None:
    assert next(iter(cpcv_splits(200, 100))) == tuple(range(100))


@given(sizes())
def test_paths_cover_every_group_and_use_every_test_of_every_split_once(size: tuple[int, int]) -> None:
    paths, splits = cpcv_paths(*size), list(cpcv_splits(*size))
    assert paths.shape == (cpcv_counts(*size).n_paths, size[0])
    used = [(int(split), group) for path in paths for group, split in enumerate(path)]
    assert sorted(used) == sorted((number, group) for number, split in enumerate(splits) for group in split)


def test_the_first_path_takes_the_first_split_of_each_group() -> None:
    np.testing.assert_array_equal(cpcv_paths(4, 2), [[0, 0, 1, 2], [1, 3, 3, 4], [2, 4, 5, 5]])
