"""Batches of texts as packed bytes, and the 64-bit hashes of their tokens and n-grams.

A batch is folded and tokenized by compiled kernels that give, byte for byte, what `fold.fold` and `fold.words` give
for each text alone; no result depends on how texts are divided into batches. Hashes are functions of the bytes only:
they are equal on every machine and in every run, and may be stored.

A token's hash is a cyclic polynomial over its bytes, an n-gram's one over its tokens' hashes, both mixed at the end
(Cohen 1997, "Recursive hashing functions for n-grams", section 3): rolling costs two rotations and no product.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel
from distill_platform.refinery.screening.fold import fold, fold_unicode, spell_out, words

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Items = npt.NDArray[np.int32]

_KEEP, _SPACE, _DROP = 0, 1, 2
_ROTATE = np.uint64(11)
_ROTATE_BACK = np.uint64(53)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(33)
_LAST = np.uint64(63)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)


@dataclass(frozen=True)
class Folded:
    """Folded texts: text i is `data[starts[i]:ends[i]]`; its tokens are cut from `data[token_starts[i]:...]`."""

    data: Bytes
    starts: Counts
    ends: Counts
    token_starts: Counts
    token_ends: Counts


@dataclass(frozen=True)
class Tokens:
    """Token hashes of n texts in rows: row i is `hashes[offsets[i]:offsets[i + 1]]`; offsets int64[n + 1]."""

    offsets: Counts
    hashes: Hashes

    @property
    def counts(self) -> Counts:
        """Return the number of tokens of each text, int64[n]."""
        return np.diff(self.offsets)


def fold_batch(texts: Sequence[str]) -> Folded:
    """Return the folded texts of a batch, packed."""
    return fold_encoded(texts, [text.encode("utf-8", "replace") for text in texts])


def fold_encoded(texts: Sequence[str], encoded: Sequence[bytes]) -> Folded:
    """Return the folded texts of a batch whose UTF-8 is at hand (used for those that are ASCII)."""
    encoded = [
        utf8 if text.isascii() else fold_unicode(text).encode("utf-8", "surrogatepass")
        for text, utf8 in zip(texts, encoded, strict=True)
    ]
    offsets = _offsets(encoded)
    levels, lowered = _fold_tables()
    packed = np.frombuffer(b"".join(encoded), np.uint8)
    data, ends = _fold_bytes(packed, offsets, levels, lowered)
    return _with_spelled(texts, data, offsets[:-1], ends)


def tokenize(folded: Folded) -> Tokens:
    """Return the token hashes of folded texts."""
    table, mask = _token_tables()
    offsets, hashes = _token_hashes(folded.data, folded.token_starts, folded.token_ends, table, mask)
    return Tokens(offsets, hashes)


def grams(tokens: Tokens, size: int, *, whole: bool = False) -> Hashes:
    """Return the hashes of all runs of `size` tokens, aligned with `tokens`.

    The gram at token j of row i stands at `tokens.offsets[i] + j`; row i has `max(0, counts[i] - size + 1)` of them,
    and what stands behind them has no meaning. With `whole`, a row of fewer than `size` tokens has one gram of all.
    """
    return _gram_hashes(tokens.offsets, tokens.hashes, size, whole)


def _offsets(encoded: Sequence[bytes]) -> Counts:
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=offsets[1:])
    return offsets


def _with_spelled(texts: Sequence[str], data: Bytes, starts: Counts, ends: Counts) -> Folded:
    """Append the spelled-out forms of those texts that are not ASCII, and point their tokens there."""
    rows = [row for row, text in enumerate(texts) if not text.isascii()]
    if not rows:
        return Folded(data, starts, ends, starts, ends)
    folded = (data[starts[row] : ends[row]].tobytes().decode("utf-8", "surrogatepass") for row in rows)
    spelled = [spell_out(text).encode("utf-8", "replace") for text in folded]
    offsets = _offsets(spelled) + len(data)
    token_starts, token_ends = starts.copy(), ends.copy()
    token_starts[rows], token_ends[rows] = offsets[:-1], offsets[1:]
    data = np.concatenate([data, np.frombuffer(b"".join(spelled), np.uint8)])
    return Folded(data, starts, ends, token_starts, token_ends)


@functools.cache
def _fold_tables() -> tuple[Bytes, Bytes]:
    """Return what to do with each byte (keep, space, drop) and its lower case, as `fold` does it."""
    levels = np.full(256, _KEEP, np.uint8)
    lowered = np.arange(256, dtype=np.uint8)
    for code in range(128):
        level = fold(f"a{chr(code)}a")[1:-1]
        levels[code] = _KEEP if level not in ("", " ") else _DROP if level == "" else _SPACE
        lowered[code] = ord(level or " ")
    return levels, lowered


@functools.cache
def _token_tables() -> tuple[Hashes, Hashes]:
    """Return the random word of each token byte (0 for separators), and all ones or zeros: is it a token byte."""
    inside = np.array([code >= 128 or bool(words(chr(code))) for code in range(256)])
    random = _mixed(np.arange(1, 257, dtype=np.uint64) * _BASE)
    return np.where(inside, random, _ZERO), np.where(inside, ~_ZERO, _ZERO)


def _mixed(values: Hashes) -> Hashes:
    values = (values ^ (values >> _SHIFT)) * _MIX_1
    values = (values ^ (values >> _SHIFT)) * _MIX_2
    return values ^ (values >> _SHIFT)


@kernel
def _mix(value: Any) -> Any:
    """Spread every bit of a 64-bit word over all bits (the finalizer of MurmurHash3, Appleby 2011)."""
    value = (value ^ (value >> _SHIFT)) * _MIX_1
    value = (value ^ (value >> _SHIFT)) * _MIX_2
    return value ^ (value >> _SHIFT)


@kernel
def _fold_bytes(data: Bytes, offsets: Counts, levels: Bytes, lowered: Bytes) -> tuple[Bytes, Counts]:
    """Fold each text in place of itself: text i starts where it did and ends at ends[i]."""
    out = np.empty(len(data), np.uint8)
    ends = np.empty(len(offsets) - 1, np.int64)
    for row in range(len(ends)):
        start = np.uint64(offsets[row])
        end = start
        after_space = np.uint8(1)
        for position in range(start, np.uint64(offsets[row + 1])):  # unsigned, or numba tests each index for its sign
            byte = data[position]
            level = levels[byte]
            out[end] = lowered[byte]
            end += np.uint64((level == _KEEP) | ((level == _SPACE) & (after_space == 0)))
            after_space = after_space if level == _DROP else np.uint8(level)
        ends[row] = end - _ONE if end > start and after_space == 1 else end
    return out, ends


@kernel
def _token_hashes(data: Bytes, starts: Counts, ends: Counts, table: Hashes, mask: Hashes) -> tuple[Counts, Hashes]:
    """Hash each run of token bytes. No branch depends on a byte: the slot after the last token is always written."""
    offsets = np.zeros(len(starts) + 1, np.int64)
    hashes = np.empty(1 + np.sum((ends - starts + 1) // 2), np.uint64)
    count = _ZERO
    for row in range(len(starts)):
        rolling = _ZERO
        before = _ZERO
        for position in range(np.uint64(starts[row]), np.uint64(ends[row])):
            byte = data[position]
            inside = mask[byte]
            hashes[count] = rolling
            count += before & ~inside & _ONE
            rolling = (((rolling << _ROTATE) | (rolling >> _ROTATE_BACK)) + table[byte]) & inside
            before = inside
        hashes[count] = rolling
        count += before & _ONE
        offsets[row + 1] = count
    hashes = hashes[:count].copy()
    for index in range(len(hashes)):
        hashes[index] = _mix(hashes[index])
    return offsets, hashes


@kernel
def _gram_hashes(offsets: Counts, hashes: Hashes, size: int, whole: bool) -> Hashes:
    out = np.empty(len(hashes), np.uint64)
    leaving = np.uint64(size % 64)
    back = np.uint64((64 - size) % 64)
    length = np.uint64(size)
    for row in range(len(offsets) - 1):
        start, stop = np.uint64(offsets[row]), np.uint64(offsets[row + 1])
        first = min(start + length, stop)
        rolling = _ZERO
        for index in range(start, first):
            rolling = ((rolling << _ONE) | (rolling >> _LAST)) ^ hashes[index]
        if stop - start >= length or (whole and stop > start):
            out[start] = _mix(rolling)
        for index in range(first, stop):
            gone = hashes[index - length]
            rolling = ((rolling << _ONE) | (rolling >> _LAST)) ^ ((gone << leaving) | (gone >> back)) ^ hashes[index]
            out[index - length + _ONE] = _mix(rolling)
    return out
