"""Near-duplicates: texts whose word shingles overlap, verified exactly, the best of each group kept.

Candidates come from shared MinHash bands (Broder 1997); what is dropped has exact Jaccard similarity with a KEPT
record at or above the threshold. Records are taken best first, so a record is dropped only for a better one, and
taking away a dropped record changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distill_platform.refinery.judging.candidates import Candidates, Ints, Keys, Mask
from distill_platform.refinery.screening import kernels
from distill_platform.refinery.settings import GateSettings

_SIDE = np.uint64(0x5851F42D4C957F2D)


@dataclass(frozen=True)
class Neighbours:
    """The records (ascending) that share a MinHash band with another one, and their texts' sets of shingles.

    Worked out once for all corpora: whatever a corpus admits, it finds its near-duplicates among these.
    """

    rows: Ints
    bands: np.ndarray[tuple[int, int], np.dtype[np.uint64]]
    offsets: Ints
    shingles: Keys


def neighbours(candidates: Candidates, gates: GateSettings, shingle_words: int) -> Neighbours:
    """Return the neighbours among the records whose texts are long enough; none while the gate is off."""
    long_enough = candidates.has_text & (candidates.words >= gates.near_duplicate_min_words)
    rows = np.flatnonzero(long_enough & gates.near_duplicates)
    crowded = kernels.candidates(candidates.bands[rows])
    rows = rows[crowded]
    sizes, shingles = [np.zeros(1, np.int64)], [np.empty(0, np.uint64)]
    for _, texts in candidates.texts(rows):
        offsets, found = kernels.shingle_texts(texts, shingle_words)
        sizes.append(np.diff(offsets))
        shingles.append(found)
    return Neighbours(rows, candidates.bands[rows], np.cumsum(np.concatenate(sizes)), np.concatenate(shingles))


def near_duplicates(candidates: Candidates, among: Neighbours, eligible: Mask, side: Mask, threshold: float) -> Ints:
    """Return, for every record, the kept record it nearly repeats, or -1.

    Only `eligible` records are compared, and only with records on the same `side` of the verdict.
    """
    place = np.full(len(candidates), -1, np.int64)
    place[among.rows] = np.arange(len(among.rows))
    ranked = place[candidates.order[eligible[candidates.order]]]
    bands = among.bands ^ (side[among.rows] * _SIDE)[:, None]
    repeats = kernels.drop_near_duplicates(ranked[ranked >= 0], bands, among.offsets, among.shingles, threshold)
    found = np.full(len(candidates), -1, np.int64)
    found[among.rows] = np.where(repeats >= 0, among.rows[repeats], -1)
    return found
