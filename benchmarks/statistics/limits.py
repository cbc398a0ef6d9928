"""The limits: what this machine does at best on one core, to say how much of it our functions use."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel

BYTES, ADDITIONS, LOOKUPS = "bytes read", "additions", "random look-ups"

_LARGE = 10_000_000  # numbers, of 8 bytes: more than fits a core's own caches
_SMALL = 1_024  # two arrays of so many numbers fit the nearest cache
_ROUNDS = 2_000
_LAPS = 9


def measured_limits() -> dict[str, float]:
    """Return, by kind of operation, how many of it one core does in a second: the best of several laps."""
    large, left, right = np.ones(_LARGE), np.zeros(_SMALL), np.ones(_SMALL)
    places = np.random.default_rng(1).integers(0, _SMALL, _SMALL)
    return {
        BYTES: large.nbytes / _best(lambda: large.sum()),
        ADDITIONS: _SMALL * _ROUNDS / _best(lambda: _add(left, right, _ROUNDS)),
        LOOKUPS: _SMALL * _ROUNDS / _best(lambda: _look_up(left, right, places, _ROUNDS)),
    }


def _best(work: Callable[[], object]) -> float:
    work()
    laps = []
    for _ in range(_LAPS):
        start = time.process_time()
        work()
        laps.append(time.process_time() - start)
    return min(laps)


@kernel
def _add(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64], rounds: int) -> None:
    for _ in range(rounds):
        for i in range(len(left)):
            left[i] += right[i]


@kernel
def _look_up(
    left: npt.NDArray[np.float64], right: npt.NDArray[np.float64], places: npt.NDArray[np.int64], rounds: int
) -> None:
    for _ in range(rounds):
        for i in range(len(left)):
            left[i] += right[places[i]]
