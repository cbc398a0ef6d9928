"""Near-duplicates: texts whose word shingles overlap, verified exactly, the best of each group kept.

Candidates come from shared MinHash bands (Broder 1997); what is dropped has exact Jaccard similarity with a KEPT
record at or above the threshold. Records are taken best first, so a record is dropped only for a better one, and
taking away a dropped record changes nothing.
"""

from __future__ import annotations

import numpy as np

from distill_platform.refinery.judging.candidates import Candidates, Ints, Keys, Mask
from distill_platform.refinery.screening import kernels


def near_duplicates(candidates: Candidates, eligible: Mask, side: Mask, threshold: float, shingle_words: int) -> Ints:
    """Return, for every record, the kept record it nearly repeats, or -1.

    Only `eligible` records are compared, and only with records on the same `side` of the verdict.
    """
    found = np.full(len(candidates), -1, np.int64)
    rows = np.flatnonzero(eligible)
    bands = candidates.bands[rows] ^ (side[rows].astype(np.uint64) * np.uint64(0x5851F42D4C957F2D))[:, None]
    crowded = kernels.candidates(bands)
    rows, bands = rows[crowded], bands[crowded]
    if len(rows) < 2:
        return found
    offsets, values = _shingles(candidates, rows, shingle_words)
    place = np.full(len(candidates), -1, np.int64)
    place[rows] = np.arange(len(rows))
    ranked = place[candidates.order]
    repeats = kernels.drop_near_duplicates(ranked[ranked >= 0], bands, offsets, values, threshold)
    found[rows] = np.where(repeats >= 0, rows[repeats], -1)
    return found


def _shingles(candidates: Candidates, rows: Ints, shingle_words: int) -> tuple[Ints, Keys]:
    sizes, values = [], []
    for _, texts in candidates.texts(rows):
        offsets, found = kernels.shingle_texts(texts, shingle_words)
        sizes.append(np.diff(offsets))
        values.append(found)
    return np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64), np.concatenate(values)
