"""Combinatorial purged cross-validation: every choice of test groups is a split, and splits recombine to whole paths.

N groups of which k are tested at a time give C(N, k) splits. Each group is tested C(N - 1, k - 1) times: as often as
there are paths, each of which runs through all groups once (Lopez de Prado 2018, "Advances in Financial Machine
Learning", section 12.4). What may be trained on in a split is for `purging` to say.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class CpcvCounts:
    """How many splits there are, and how many whole paths they recombine to."""

    n_splits: int
    n_paths: int


def cpcv_counts(n_groups: int, n_test_groups: int) -> CpcvCounts:
    """Return the numbers of splits, C(N, k), and of paths, k / N * C(N, k); exact for any size.

    Raises ValueError unless 1 <= n_test_groups < n_groups.
    """
    n_groups, n_test_groups = operator.index(n_groups), operator.index(n_test_groups)
    if not 1 <= n_test_groups < n_groups:
        raise ValueError(
            f"n_test_groups must lie between 1 and n_groups - 1 = {n_groups - 1}, not be {n_test_groups}: "
            "something must be left to train on"
        )
    return CpcvCounts(math.comb(n_groups, n_test_groups), math.comb(n_groups - 1, n_test_groups - 1))


def cpcv_splits(n_groups: int, n_test_groups: int) -> Iterator[tuple[int, ...]]:
    """Return the test groups of each split, in lexicographic order: (0, 1), (0, 2), ... They are made one at a time.

    Raises ValueError unless 1 <= n_test_groups < n_groups.
    """
    cpcv_counts(n_groups, n_test_groups)
    return itertools.combinations(range(n_groups), n_test_groups)


def cpcv_paths(n_groups: int, n_test_groups: int) -> npt.NDArray[np.int64]:
    """Return an array of shape (n_paths, n_groups): the split, numbered as in `cpcv_splits`, that serves each group.

    The p-th path takes for each group the p-th split that tests it. So a path covers every group once, and every test
    of a group by a split belongs to exactly one path. O(C(N, k) k) time and memory.
    """
    counts = cpcv_counts(n_groups, n_test_groups)
    tested = np.fromiter(
        itertools.chain.from_iterable(cpcv_splits(n_groups, n_test_groups)),
        dtype=np.int64,
        count=counts.n_splits * n_test_groups,
    )
    splits_by_group = np.argsort(tested, kind="stable") // n_test_groups
    return np.ascontiguousarray(splits_by_group.reshape(n_groups, counts.n_paths).T)
