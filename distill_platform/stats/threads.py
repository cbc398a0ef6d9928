"""Threads: independent outputs computed in chunks, the same bits on any number of threads.

Kernels run without the GIL, so plain Python threads are enough; they survive a fork and may be used from several
Python threads at once, which numba's own parallel loops do not allow.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def in_chunks(function: Callable[[slice], Result], n_outputs: int, threads: int = 1) -> list[Result]:
    """Return the results of `function` for slices that cut 0..n_outputs-1 into one chunk per thread, in order.

    An output must depend on its own number only, never on the chunk it falls into. Raises ValueError for threads < 1.
    """
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    n_chunks = max(1, min(threads, n_outputs))
    edges = [n_outputs * chunk // n_chunks for chunk in range(n_chunks + 1)]
    chunks = [slice(start, stop) for start, stop in itertools.pairwise(edges)]
    if len(chunks) == 1:
        return [function(chunks[0])]
    with ThreadPoolExecutor(len(chunks)) as executor:
        return list(executor.map(function, chunks))
