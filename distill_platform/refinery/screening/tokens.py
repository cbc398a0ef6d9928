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
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill_platform.core.kernel import kernel
from distill_platform.refinery.screening.characters import (
    AWKWARD,
    UNKNOWN,
    Forms,
    folds,
    learn,
    learn_spellings,
    spellings,
)
from distill_platform.refinery.screening.fold import fold, spell_out, words

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Items = npt.NDArray[np.int32]

_ROTATE = np.uint64(11)
_ROTATE_BACK = np.uint64(53)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(33)
_LAST = np.uint64(63)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_SIX = np.uint64(6)
_LOW = np.uint64(0x3F)
_ABOVE_ASCII = np.uint8(0x80)
_THREE_BYTES = np.uint64(0xE0)
_FOUR_BYTES = np.uint64(0xF0)
_BETWEEN = np.uint8(0x20)
_LEARNED_AT_ONCE = 1024


class Packed(NamedTuple):
    """Texts as UTF-8 in one run of bytes: text i is `data[starts[i]:ends[i]]`.

    `Packed.of` shares the memory of an Arrow array, in which a null counts as an empty text.
    """

    data: Bytes
    starts: Counts
    ends: Counts

    @classmethod
    def of(cls, texts: pa.StringArray) -> Packed:
        """Return the texts of an Arrow array."""
        _, offsets, data = texts.buffers()
        bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
        return cls(np.frombuffer(data or b"", np.uint8), bounds[:-1], bounds[1:])

    def text(self, row: int) -> str:
        """Return a text."""
        return self.data[self.starts[row] : self.ends[row]].tobytes().decode("utf-8", "surrogatepass")


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
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = _offsets(encoded)
    return fold_packed(Packed(np.frombuffer(b"".join(encoded), np.uint8), offsets[:-1], offsets[1:]))


def fold_packed(texts: Packed) -> Folded:
    """Return the folded texts of a batch: by the kernel where characters fold one by one, else each by `fold`."""
    while True:
        data, ends, unknown = _fold_bytes(texts, _ascii_fold(), folds())
        if not len(unknown):
            break
        learn(unknown.tolist())
    awkward = np.flatnonzero(ends < texts.starts)
    if not len(awkward):
        return Folded(data, texts.starts, ends, texts.starts, ends)
    return _with_awkward(texts, awkward, data, ends)


def tokenize(folded: Folded) -> Tokens:
    """Return the token hashes of folded texts."""
    texts = Packed(folded.data, folded.token_starts, folded.token_ends)
    return Tokens(*_token_hashes(texts, _token_bytes(), spellings()))


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


def _with_awkward(texts: Packed, rows: Counts, data: Bytes, ends: Counts) -> Folded:
    """Append the folded and the spelled-out forms of the texts in these rows."""
    folded = [fold(texts.text(row)) for row in rows.tolist()]
    spelled = [spell_out(text) for text in folded]
    learn_spellings("".join(spelled))
    encoded = [text.encode("utf-8", "surrogatepass") for text in (*folded, *spelled)]
    offsets = _offsets(encoded) + len(data)
    starts, token_starts, token_ends = texts.starts.copy(), texts.starts.copy(), ends.copy()
    starts[rows], token_starts[rows] = offsets[: len(rows)], offsets[len(rows) : -1]
    ends[rows], token_ends[rows] = offsets[1 : len(rows) + 1], offsets[len(rows) + 1 :]
    data = np.concatenate([data, np.frombuffer(b"".join(encoded), np.uint8)])
    return Folded(data, starts, ends, token_starts, token_ends)


class _AsciiFold(NamedTuple):
    """What becomes of each ASCII character: 1 if it is kept, 1 if it is a space (neither: dropped), its lower case."""

    kept: Hashes
    space: Hashes
    lowered: Bytes


class _TokenBytes(NamedTuple):
    """What tokens are made of, by byte."""

    random: Hashes  # the word that a byte of a token adds to its hash
    inside: Hashes  # all ones for bytes of tokens, 0 for separators


@functools.cache
def _ascii_fold() -> _AsciiFold:
    """Return what `fold` makes of each ASCII character."""
    folded = [fold(f"a{chr(code)}a")[1:-1] for code in range(128)]
    kept = np.array([form not in ("", " ") for form in folded])
    space = np.array([form == " " for form in folded])
    lowered = np.array([ord(form or " ") for form in folded], np.uint8)
    return _AsciiFold(kept.astype(np.uint64), space.astype(np.uint64), lowered)


@functools.cache
def _token_bytes() -> _TokenBytes:
    inside = np.array([code >= 128 or bool(words(chr(code))) for code in range(256)])
    random = _mixed(np.arange(1, 257, dtype=np.uint64) * _BASE)
    return _TokenBytes(np.where(inside, random, _ZERO), np.where(inside, ~_ZERO, _ZERO))


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
def _code(data: Bytes, position: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the code point above ASCII whose UTF-8 starts here, and how many bytes it takes."""
    first, second = np.uint64(data[position]), np.uint64(data[position + _ONE]) & _LOW
    if first < _THREE_BYTES:
        return (first & np.uint64(0x1F)) << _SIX | second, np.uint64(2)
    third = np.uint64(data[position + np.uint64(2)]) & _LOW
    if first < _FOUR_BYTES:
        return ((first & np.uint64(0x0F)) << _SIX | second) << _SIX | third, np.uint64(3)
    fourth = np.uint64(data[position + np.uint64(3)]) & _LOW
    return (((first & np.uint64(0x07)) << _SIX | second) << _SIX | third) << _SIX | fourth, np.uint64(4)


@kernel
def _append(out: Bytes, end: np.uint64, visible: np.uint64, byte: np.uint8, ascii_: _AsciiFold) -> Any:
    """Append a folded byte, a space only to a visible one, without a branch; return the new `end` and `visible`."""
    out[end] = ascii_.lowered[byte]
    kept, space = ascii_.kept[byte], ascii_.space[byte]
    return end + (kept | (space & visible)), kept | (visible & ~space)


@kernel
def _fold_bytes(texts: Packed, ascii_: _AsciiFold, folds: Forms) -> tuple[Bytes, Counts, Items]:
    """Fold each text in place of itself: text i starts where it did and ends at ends[i], -1 for awkward texts.

    Returns also characters that are not in the table yet; the texts that hold them count as awkward.
    """
    out = np.empty(len(texts.data), np.uint8)
    ends = np.empty(len(texts.starts), np.int64)
    unknown = np.empty(_LEARNED_AT_ONCE, np.int32)
    count = 0
    for row in range(len(ends)):
        position, stop = np.uint64(texts.starts[row]), np.uint64(texts.ends[row])
        start = end = position
        visible = _ZERO
        awkward = False
        while position < stop:
            byte = texts.data[position]
            if byte < _ABOVE_ASCII:
                end, visible = _append(out, end, visible, byte, ascii_)
                position += _ONE
                continue
            code, width = _code(texts.data, position)
            position += width
            if folds.sizes[code] == UNKNOWN and count < len(unknown):
                folds.sizes[code] = AWKWARD
                unknown[count] = code
                count += 1
            if folds.sizes[code] == UNKNOWN or folds.sizes[code] == AWKWARD:
                awkward = True
                continue
            for index in range(np.uint64(folds.sizes[code]) - _ONE):
                byte = folds.forms[code, index]
                if byte < _ABOVE_ASCII:
                    end, visible = _append(out, end, visible, byte, ascii_)
                else:
                    out[end] = byte
                    end += _ONE
                    visible = _ONE
        ends[row] = -1 if awkward else end - _ONE if end > start and not visible else end
    return out, ends, unknown[:count].copy()


@kernel
def _feed(hashes: Hashes, state: tuple[np.uint64, np.uint64, np.uint64], byte: np.uint8, bytes_: _TokenBytes) -> Any:
    """Hash one more byte of a run. No branch depends on it: the slot after the last token is always written."""
    count, rolling, before = state
    inside = bytes_.inside[byte]
    hashes[count] = rolling
    count += before & ~inside & _ONE
    rolling = (((rolling << _ROTATE) | (rolling >> _ROTATE_BACK)) + bytes_.random[byte]) & inside
    return count, rolling, inside


@kernel
def _token_hashes(texts: Packed, bytes_: _TokenBytes, spellings: Forms) -> tuple[Counts, Hashes]:
    """Hash each run of token bytes in the texts, spelled out."""
    offsets = np.zeros(len(texts.starts) + 1, np.int64)
    hashes = np.empty(1 + np.sum(texts.ends - texts.starts), np.uint64)
    state = (_ZERO, _ZERO, _ZERO)
    for row in range(len(texts.starts)):
        position, stop = np.uint64(texts.starts[row]), np.uint64(texts.ends[row])
        while position < stop:
            byte = texts.data[position]
            if byte < _ABOVE_ASCII:
                state = _feed(hashes, state, byte, bytes_)
                position += _ONE
                continue
            code, width = _code(texts.data, position)
            for index in range(np.uint64(spellings.sizes[code]) - _ONE):
                state = _feed(hashes, state, spellings.forms[code, index], bytes_)
            position += width
        state = _feed(hashes, state, _BETWEEN, bytes_)
        offsets[row + 1] = state[0]
    hashes = hashes[: state[0]].copy()
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
