"""Evaluation-set contamination: does a record contain a benchmark's question, or much of its answer?

Two rules, both on tokens (see `fold.words`):

- prompt: any window of `prompt_ngram` (13) tokens of an evaluation prompt occurs in the record (Brown et al. 2020,
  "Language models are few-shot learners", appendix C). A prompt with fewer tokens counts as one window of its whole
  length; one with fewer than 5 only if it is the record's whole prompt.
- answer: the record contains at least a given share of the distinct `answer_ngram` (8) grams of one item's answer.
  An answer with fewer tokens than that is too common to be judged.

Grams are compared by 64-bit hashes; a Bloom filter (Bloom 1970), in blocks of 64 bits, answers most look-ups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel
from distill_platform.refinery.screening.eval_sets import EvalSet
from distill_platform.refinery.screening.tokens import Counts, Hashes, Items, Tokens, fold_batch, grams, tokenize

PROMPT_NGRAM = 13
ANSWER_NGRAM = 8
SHORTEST_WINDOW = 5

_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_WORD = np.uint64(6)
_TWO_WORDS = np.uint64(12)
_IN_WORD = np.uint64(63)
_BLOOM_BITS_PER_KEY = 16


class _Table(NamedTuple):
    """Maps gram hashes to items: an open-addressing table of key numbers, and each key's items in compressed rows."""

    bloom: Hashes  # uint64[2**b]
    bloom_shift: np.uint64  # 64 - b: a hash's word is its first b bits
    keys: Hashes  # uint64[2**k], 0 where free
    numbers: Items  # int32[2**k], the key's number
    offsets: Counts  # int64[keys + 1]
    items: Items  # int32, ascending within a key


class Overlap(NamedTuple):
    """What a batch of n records shares with the evaluation sets; an item is -1 where there is none."""

    prompt_hits: Items  # windows of the record that stand in an evaluation prompt
    prompt_item: Items  # the item of the first of them
    answer_containment: npt.NDArray[np.float64]  # largest share of an answer's distinct grams
    answer_item: Items  # the first item with that share


@dataclass(frozen=True)
class Item:
    """Where an evaluation item stands: line counts from 1."""

    eval_set: str
    line: int


class ContaminationIndex:
    """The grams of all evaluation items, built once and asked for batches of records."""

    def __init__(
        self,
        eval_sets: Sequence[EvalSet],
        *,
        prompt_ngram: int = PROMPT_NGRAM,
        answer_ngram: int = ANSWER_NGRAM,
        shortest_window: int = SHORTEST_WINDOW,
    ) -> None:
        self._prompt_ngram, self._answer_ngram = prompt_ngram, answer_ngram
        self._shortest = min(shortest_window, prompt_ngram)
        self.items = tuple(
            Item(eval_set.name, line) for eval_set in eval_sets for line in range(1, len(eval_set.prompts) + 1)
        )
        prompts = tokenize(fold_batch([text for eval_set in eval_sets for text in eval_set.prompts]))
        answers = tokenize(fold_batch([text for eval_set in eval_sets for text in eval_set.answers]))
        self._prompts = prompts
        self._windows, _ = _build(prompts, prompt_ngram, np.ones(len(self.items), np.bool_))
        self._answers, self._answer_grams = _build(answers, answer_ngram, np.ones(len(self.items), np.bool_))
        short = (prompts.counts >= self._shortest) & (prompts.counts < prompt_ngram)
        self._heads, _ = _build(prompts, self._shortest, short, first_only=True)
        self._has_short = bool(short.any())
        self._tiny = _whole_prompts(prompts, self._shortest)

    def match(self, tokens: Tokens) -> Overlap:
        """Return the overlap of n records given as 2 n token rows: all prompts, then all answers."""
        window_grams = grams(tokens, self._prompt_ngram)
        hits, item = _find_windows(tokens.offsets, window_grams, self._prompt_ngram, self._windows)
        if self._has_short:
            prompts = self._prompts
            head_grams = grams(tokens, self._shortest)
            record = (tokens.offsets, tokens.hashes, head_grams)
            _find_short(record, self._shortest, self._heads, (prompts.offsets, prompts.hashes), hits, item)
        if self._tiny:
            self._find_tiny(tokens, hits, item)
        answer_grams = grams(tokens, self._answer_ngram)
        share, best = _contained(tokens.offsets, answer_grams, self._answer_ngram, self._answers, self._answer_grams)
        return Overlap(hits, item, share, best)

    def _find_tiny(self, tokens: Tokens, hits: Items, item: Items) -> None:
        """Find evaluation prompts too short for a window: they count where they are the whole prompt of a record."""
        for row in np.flatnonzero(tokens.counts[: len(hits)] < self._shortest):
            found = self._tiny.get(tokens.hashes[tokens.offsets[row] : tokens.offsets[row + 1]].tobytes())
            if found is not None:
                hits[row] += 1
                item[row] = found if item[row] < 0 else item[row]


def _whole_prompts(prompts: Tokens, shortest: int) -> dict[bytes, int]:
    tiny: dict[bytes, int] = {}
    for row in np.flatnonzero(prompts.counts < shortest):
        tiny.setdefault(prompts.hashes[prompts.offsets[row] : prompts.offsets[row + 1]].tobytes(), int(row))
    return tiny


def _build(tokens: Tokens, size: int, rows: npt.NDArray[np.bool_], *, first_only: bool = False) -> tuple[_Table, Items]:
    """Return the table of the grams of the chosen rows, and how many distinct grams each row has, int32[n]."""
    counts = np.maximum(tokens.counts - size + 1, 0) * rows
    counts = np.minimum(counts, 1) if first_only else counts
    owners = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    hashes = grams(tokens, size)[tokens.offsets[:-1][owners] + within]
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    new = np.append(True, (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1]))[: len(hashes)]
    hashes, owners = hashes[new], owners[new]
    keys, first = np.unique(hashes, return_index=True)
    offsets = np.append(first, len(hashes)).astype(np.int64)
    distinct = np.bincount(owners, minlength=len(counts)).astype(np.int32)
    return _table(keys, offsets, owners.astype(np.int32)), distinct


def _table(keys: Hashes, offsets: Counts, items: Items) -> _Table:
    bloom_bits = max(1, int(len(keys) * _BLOOM_BITS_PER_KEY // 64).bit_length())
    shift = np.uint64(64 - bloom_bits)
    size = 1 << int(2 * len(keys) + 1).bit_length()
    slots, numbers = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    bloom = np.zeros(1 << bloom_bits, np.uint64)
    _fill(keys, slots, numbers, bloom, shift)
    return _Table(bloom, shift, slots, numbers, offsets, items)


@kernel
def _bits(key: np.uint64) -> Any:
    """Return the three bits of a key within its word of the Bloom filter."""
    return _ONE << (key & _IN_WORD) | _ONE << (key >> _WORD & _IN_WORD) | _ONE << (key >> _TWO_WORDS & _IN_WORD)


@kernel
def _fill(keys: Hashes, slots: Hashes, numbers: Items, bloom: Hashes, shift: np.uint64) -> None:
    mask = np.uint64(len(slots) - 1)
    for number in range(len(keys)):
        bloom[keys[number] >> shift] |= _bits(keys[number])
        slot = keys[number] & mask
        while slots[slot] != _ZERO:
            slot = (slot + _ONE) & mask
        slots[slot] = keys[number]
        numbers[slot] = number


@kernel
def _maybe(table: _Table, key: np.uint64) -> bool:
    bits = _bits(key)
    return bool(table.bloom[key >> table.bloom_shift] & bits == bits)


@kernel
def _number(table: _Table, key: np.uint64) -> int:
    """Return the number of a key in the table, -1 if it is not there."""
    mask = np.uint64(len(table.keys) - 1)
    slot = key & mask
    while table.keys[slot] != _ZERO:
        if table.keys[slot] == key:
            return int(table.numbers[slot])
        slot = (slot + _ONE) & mask
    return -1


@kernel
def _find_windows(offsets: Counts, hashes: Hashes, size: int, table: _Table) -> tuple[Items, Items]:
    records = (len(offsets) - 1) // 2
    hits = np.zeros(records, np.int32)
    item = np.full(records, -1, np.int32)
    for row in range(2 * records):
        record = row % records
        for index in range(np.uint64(offsets[row]), np.uint64(max(offsets[row], offsets[row + 1] - size + 1))):
            if _maybe(table, hashes[index]):
                number = _number(table, hashes[index])
                if number >= 0:
                    hits[record] += 1
                    if item[record] < 0:
                        item[record] = table.items[table.offsets[number]]
    return hits, item


@kernel
def _stands_at(tokens: Hashes, prompts: tuple[Counts, Hashes], item: int) -> bool:
    """Do these tokens begin with all tokens of the item's prompt?"""
    start, stop = prompts[0][item], prompts[0][item + 1]
    if stop - start > len(tokens):
        return False
    return bool(np.all(tokens[: stop - start] == prompts[1][start:stop]))


@kernel
def _find_short(
    record: tuple[Counts, Hashes, Hashes],
    size: int,
    table: _Table,
    prompts: tuple[Counts, Hashes],
    hits: Items,
    item: Items,
) -> None:
    """Add the hits of short evaluation prompts: found by the gram of their first tokens, compared token by token."""
    offsets, tokens, heads = record
    for row in range(len(offsets) - 1):
        for index in range(offsets[row], max(offsets[row], offsets[row + 1] - size + 1)):
            if not _maybe(table, heads[index]):
                continue
            number = _number(table, heads[index])
            if number < 0:
                continue
            for place in range(table.offsets[number], table.offsets[number + 1]):
                found = table.items[place]
                if _stands_at(tokens[index : offsets[row + 1]], prompts, found):
                    hits[row % len(hits)] += 1
                    if item[row % len(hits)] < 0:
                        item[row % len(hits)] = found
                    break


@kernel
def _contained(
    offsets: Counts, hashes: Hashes, size: int, table: _Table, distinct: Items
) -> tuple[npt.NDArray[np.float64], Items]:
    records = (len(offsets) - 1) // 2
    share = np.zeros(records, np.float64)
    best = np.full(records, -1, np.int32)
    seen = np.full(len(table.offsets), -1, np.int64)
    shared = np.zeros(len(distinct), np.int32)
    touched = np.empty(len(distinct), np.int32)
    for record in range(records):
        count = 0
        for row in (record, record + records):
            for index in range(np.uint64(offsets[row]), np.uint64(max(offsets[row], offsets[row + 1] - size + 1))):
                if not _maybe(table, hashes[index]):
                    continue
                number = _number(table, hashes[index])
                if number < 0 or seen[number] == record:
                    continue
                seen[number] = record
                for place in range(table.offsets[number], table.offsets[number + 1]):
                    found = table.items[place]
                    if shared[found] == 0:
                        touched[count] = found
                        count += 1
                    shared[found] += 1
        for place in range(count):
            found = touched[place]
            part = shared[found] / distinct[found]
            shared[found] = 0
            if part > share[record] or (part == share[record] and found < best[record]):
                share[record], best[record] = part, found
    return share, best
