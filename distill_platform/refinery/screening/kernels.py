"""Near-duplicates: MinHash band keys to find candidates, exact Jaccard similarity to judge them.

The resemblance of two texts is the Jaccard similarity of their sets of 5-token shingles (Broder 1997, "On the
resemblance and containment of documents"). One-permutation hashing (Li, Owen, Zhang 2012) gives all MinHash values
from one hash per shingle; empty bins borrow from a bin drawn by a fixed random order (Shrivastava 2017, "Optimal
densification for fast and accurate minwise hashing"). ROWS values make a band, and two texts are candidates if any of
BANDS bands agree: with probability 1 - (1 - J**ROWS)**BANDS, which is 0.996 at J = 0.8, 0.17 at 0.5, 0.005 at 0.3.

Candidates are only a filter: a text is dropped as a duplicate for its exact similarity alone.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill_platform.core.kernel import kernel
from distill_platform.refinery.screening.tokens import Counts, Hashes, Packed, Tokens, fold_packed, grams, tokenize

BANDS = 24
ROWS = 7
SHINGLE = 5

_BINS = BANDS * ROWS
_LONG_RUN = 32
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_HALF = np.uint64(32)
_SHIFT = np.uint64(29)
_BASE = np.uint64(0x9E3779B97F4A7C15)

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def signatures(tokens: Tokens, size: int = SHINGLE) -> Hashes:
    """Return the band keys of each text, uint64[n, BANDS]; never 0, but all 0 for a text without tokens."""
    return _band_keys(tokens.offsets, grams(tokens, size, whole=True), size, _borrowing_order(), BANDS, ROWS)


def shingles(tokens: Tokens, size: int = SHINGLE) -> tuple[Counts, Hashes]:
    """Return each text's set of shingle hashes: offsets int64[n + 1] and sorted, unique values within each row.

    A text with fewer than `size` tokens has one shingle of all of them; a text without tokens has none.
    """
    return _sorted_sets(tokens.offsets, grams(tokens, size, whole=True), size)


def shingle_texts(texts: pa.StringArray, size: int = SHINGLE) -> tuple[Counts, Hashes]:
    """Return `shingles` of texts; an empty text has none, so pass "" for rows that cannot be candidates."""
    return shingles(tokenize(fold_packed(Packed.of(texts))), size)


def similarities(offsets: Counts, values: Hashes, left: Rows, right: Rows) -> npt.NDArray[np.float64]:
    """Return the Jaccard similarity of the sets (see `shingles`) of rows left[i] and right[i]; 1 for two empty ones."""
    return _similarities(offsets, values, left, right)


def candidates(band_keys: Hashes) -> Flags:
    """Return bool[n]: does the row share a band key with another row? Only such rows can be near-duplicates."""
    return _shares_bucket(band_keys, np.arange(len(band_keys), dtype=np.int64))


def drop_near_duplicates(
    rank_order: Rows, band_keys: Hashes, shingle_offsets: Counts, shingle_values: Hashes, threshold: float
) -> Rows:
    """Return int64[n]: -1 for a row that is kept, else the kept row that it duplicates.

    Only rows in `rank_order` (row numbers, best first) are judged. One is dropped if and only if some kept one shares a
    band key with it and their Jaccard similarity is at least `threshold`; of several, the best ranked is named. A row
    without shingles is kept and duplicates nothing, so only `candidates` need any.
    """
    active = rank_order[np.diff(shingle_offsets)[rank_order] > 0]
    buckets = _buckets(band_keys, active)
    duplicate_of = np.full(len(shingle_offsets) - 1, -1, np.int64)
    _judge(active, buckets, shingle_offsets, shingle_values, threshold, duplicate_of)
    return duplicate_of


@functools.cache
def _borrowing_order() -> npt.NDArray[np.int64]:
    """Return int64[bins, bins]: the order in which an empty bin looks for a full one, fixed for all time."""
    words = np.arange(1, _BINS * _BINS + 1, dtype=np.uint64) * _BASE
    words = (words ^ (words >> _SHIFT)) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> _HALF)) * np.uint64(0x94D049BB133111EB)
    return np.argsort(words.reshape(_BINS, _BINS), axis=1, kind="stable").astype(np.int64)


@kernel
def _gram_count(tokens: int, size: int) -> int:
    """Return how many shingles stand in a row of so many tokens (one of all tokens where there are fewer than size)."""
    return max(tokens - size + 1, min(tokens, 1))


@kernel
def _band_keys(
    offsets: Counts, hashes: Hashes, size: int, order: npt.NDArray[np.int64], bands: int, rows: int
) -> Hashes:
    keys = np.zeros((len(offsets) - 1, bands), np.uint64)
    bins = np.uint64(bands * rows)
    lowest = np.empty(bands * rows, np.uint64)
    filled = np.empty(bands * rows, np.uint64)
    for row in range(len(keys)):
        count = _gram_count(offsets[row + 1] - offsets[row], size)
        if count == 0:
            continue
        lowest[:] = _EMPTY
        for index in range(np.uint64(offsets[row]), np.uint64(offsets[row] + count)):
            value = hashes[index]
            place = ((value >> _HALF) * bins) >> _HALF
            lowest[place] = min(lowest[place], value)
        for place in range(len(lowest)):
            source = place
            attempt = 0
            while lowest[source] == _EMPTY:
                source = order[place, attempt]
                attempt += 1
            filled[place] = lowest[source]
        for band in range(bands):
            key = np.uint64(band)
            for place in range(band * rows, band * rows + rows):
                key = (key ^ filled[place]) * _BASE
                key ^= key >> _SHIFT
            keys[row, band] = max(key, _ONE)
    return keys


@kernel
def _sorted(values: Hashes) -> Hashes:
    """Sort uniformly distributed hashes: scatter each to where it belongs on average, then insert within short runs."""
    count = np.uint64(len(values))
    ends = np.zeros(len(values) + 1, np.int64)
    for value in values:
        ends[np.uint64(((value >> _HALF) * count) >> _HALF) + _ONE] += 1
    if len(values) and ends.max() > _LONG_RUN:
        return np.sort(values)
    for slot in range(1, len(ends)):
        ends[slot] += ends[slot - 1]
    starts = ends.copy()
    ordered = np.empty(len(values), np.uint64)
    for value in values:
        place = np.uint64(((value >> _HALF) * count) >> _HALF)
        index = ends[place]
        ends[place] += 1
        while index > starts[place] and ordered[index - 1] > value:
            ordered[index] = ordered[index - 1]
            index -= 1
        ordered[index] = value
    return ordered


@kernel
def _sorted_sets(offsets: Counts, hashes: Hashes, size: int) -> tuple[Counts, Hashes]:
    ends = np.zeros(len(offsets), np.int64)
    values = np.empty(len(hashes), np.uint64)
    kept = 0
    for row in range(len(offsets) - 1):
        count = _gram_count(offsets[row + 1] - offsets[row], size)
        ordered = _sorted(hashes[offsets[row] : offsets[row] + count])
        for index in range(count):
            if index == 0 or ordered[index] != ordered[index - 1]:
                values[kept] = ordered[index]
                kept += 1
        ends[row + 1] = kept
    return ends, values[:kept].copy()


@kernel
def _shared(left: Hashes, right: Hashes) -> int:
    """Count the values that two sorted arrays of unique values share, without a branch on the data."""
    first, second, shared = _ZERO, _ZERO, np.int64(0)
    while first < np.uint64(len(left)) and second < np.uint64(len(right)):
        one, other = left[first], right[second]
        shared += np.int64(one == other)
        first += np.uint64(one <= other)
        second += np.uint64(other <= one)
    return int(shared)


@kernel
def _similarities(offsets: Counts, values: Hashes, left: Rows, right: Rows) -> npt.NDArray[np.float64]:
    found = np.ones(len(left), np.float64)
    for pair in range(len(left)):
        mine = values[offsets[left[pair]] : offsets[left[pair] + 1]]
        theirs = values[offsets[right[pair]] : offsets[right[pair] + 1]]
        shared = _shared(mine, theirs)
        union = len(mine) + len(theirs) - shared
        if union:
            found[pair] = shared / union
    return found


@kernel
def _capacity(count: int) -> int:
    """Return the size of a hash table for so many keys: the power of two at least twice as large."""
    size = 2
    while size < 2 * count:
        size *= 2
    return size


@kernel
def _shares_bucket(band_keys: Hashes, rows: Rows) -> Flags:
    shares = np.zeros(len(rows), np.bool_)
    size = _capacity(len(rows))
    mask = np.uint64(size - 1)
    keys = np.empty(size, np.uint64)
    first = np.empty(size, np.int64)
    for band in range(band_keys.shape[1]):
        keys[:] = _ZERO
        for index in range(len(rows)):
            key = band_keys[rows[index], band]
            if key == _ZERO:
                continue
            slot = key & mask
            while keys[slot] != _ZERO and keys[slot] != key:
                slot = (slot + _ONE) & mask
            if keys[slot] == key:
                shares[index] = True
                shares[first[slot]] = True
            else:
                keys[slot] = key
                first[slot] = index
    return shares


@kernel
def _buckets(band_keys: Hashes, rows: Rows) -> npt.NDArray[np.int32]:
    """Return int32[len(rows), bands]: the bucket of each row in each band, numbered from 0; -1 if it is alone there."""
    buckets = np.full((len(rows), band_keys.shape[1]), -1, np.int32)
    size = _capacity(len(rows))
    mask = np.uint64(size - 1)
    keys = np.empty(size, np.uint64)
    first = np.empty(size, np.int64)
    used = 0
    for band in range(band_keys.shape[1]):
        keys[:] = _ZERO
        for index in range(len(rows)):
            key = band_keys[rows[index], band]
            if key == _ZERO:
                continue
            slot = key & mask
            while keys[slot] != _ZERO and keys[slot] != key:
                slot = (slot + _ONE) & mask
            if keys[slot] != key:
                keys[slot] = key
                first[slot] = index
                continue
            if buckets[first[slot], band] < 0:
                buckets[first[slot], band] = used
                used += 1
            buckets[index, band] = buckets[first[slot], band]
    return buckets


@kernel
def _judge(
    active: Rows,
    buckets: npt.NDArray[np.int32],
    offsets: Counts,
    values: Hashes,
    threshold: float,
    duplicate_of: Rows,
) -> None:
    """Fill `duplicate_of`. Each bucket is a chain of kept rows in rank order; positions count in rank order, too."""
    bands = buckets.shape[1]
    heads = np.full(1 + buckets.max() if len(active) else 1, -1, np.int32)
    tails = heads.copy()
    following = np.full(buckets.shape, -1, np.int32)
    compared = np.full(len(active), -1, np.int64)
    for position in range(len(active)):
        row = active[position]
        mine = values[offsets[row] : offsets[row + 1]]
        best = position
        for band in range(bands):
            other = heads[buckets[position, band]] if buckets[position, band] >= 0 else -1
            while 0 <= other < best:
                if compared[other] != position:
                    compared[other] = position
                    theirs = values[offsets[active[other]] : offsets[active[other] + 1]]
                    if _similar(mine, theirs, threshold):
                        best = other
                other = following[other, band]
        if best < position:
            duplicate_of[row] = active[best]
            continue
        for band in range(bands):
            bucket = buckets[position, band]
            if bucket >= 0:
                if heads[bucket] < 0:
                    heads[bucket] = position
                else:
                    following[tails[bucket], band] = position
                tails[bucket] = position


@kernel
def _similar(left: Hashes, right: Hashes, threshold: float) -> bool:
    """Is the Jaccard similarity at least `threshold`? Stops at the first value too many that only one side has."""
    total = len(left) + len(right)
    needed = int(threshold * total / (1.0 + threshold))  # then exactly: the fewest shared values that are enough
    while needed > 0 and (needed - 1) / (total - needed + 1) >= threshold:
        needed -= 1
    while 2 * needed <= total and needed / (total - needed) < threshold:
        needed += 1
    if needed > min(len(left), len(right)):
        return False
    spare = np.int64(total - 2 * needed)
    first, second = _ZERO, _ZERO
    while first < np.uint64(len(left)) and second < np.uint64(len(right)) and spare >= 0:
        one, other = left[first], right[second]
        spare -= np.int64(one != other)
        first += np.uint64(one <= other)
        second += np.uint64(other <= one)
    return bool(spare >= total - np.int64(first) - np.int64(second))
