"""Fresh memory: what the first touch of memory costs on this machine, and the second.

A virtual machine may give free memory back to its host and has to fetch it again, page by page: twenty times slower
than memory at hand, and paid by everything that reads and writes more than it did a moment ago.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

_BYTES = 2**29


@dataclass(frozen=True)
class FreshMemory:
    """Seconds to fill a gigabyte of memory that was free for a while, and to fill it again at once."""

    first_s: float
    again_s: float


def measure_fresh_memory() -> FreshMemory:
    """Return what filling memory costs, measured over half a gigabyte."""
    return FreshMemory(_fill(), _fill())


def _fill() -> float:
    start = time.perf_counter()
    filled = np.ones(_BYTES, np.uint8)
    return (time.perf_counter() - start) * 1e9 / filled.nbytes
