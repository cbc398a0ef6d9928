"""Everything the text gates need to know about a batch of records, worked out in one go.

`Screener.screen` decides nothing: it reports secrets, redactions, identities, near-duplicate band keys and overlaps
with evaluation sets, row by row. No row's result depends on the rows around it, so batches may be cut anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.refinery.screening.contamination import (
    ANSWER_NGRAM,
    PROMPT_NGRAM,
    SHORTEST_WINDOW,
    ContaminationIndex,
    Overlap,
)
from distill_platform.refinery.screening.eval_sets import EvalSet
from distill_platform.refinery.screening.fold import KEY_BYTES, fold, text_key
from distill_platform.refinery.screening.kernels import SHINGLE, signatures
from distill_platform.refinery.screening.pii import PII_RULES, redact_text
from distill_platform.refinery.screening.scan import Scanner
from distill_platform.refinery.screening.secrets import SECRET_RULES, rule_names
from distill_platform.refinery.screening.tokens import Folded, Hashes, Items, Packed, Tokens, fold_packed, tokenize


@dataclass(frozen=True)
class ScreeningConfig:
    """How texts are compared: numbers of tokens."""

    shingle: int = SHINGLE
    prompt_ngram: int = PROMPT_NGRAM
    answer_ngram: int = ANSWER_NGRAM
    shortest_window: int = SHORTEST_WINDOW


@dataclass(frozen=True)
class ScreenedBatch:
    """What was found in n records. A prompt or an answer that is None counts as empty."""

    secrets: list[tuple[str, ...]]  # names of the rules, in the order of SECRET_RULES
    pii: list[dict[str, int] | None]  # replacements by kind, in prompt and answer together
    redacted_prompts: list[str | None]  # None: unchanged
    redacted_answers: list[str | None]
    prompt_keys: list[bytes]  # 16 bytes, of the folded, redacted prompt
    answer_keys: list[bytes]
    band_keys: Hashes  # uint64[n, BANDS], of the answer as it stands
    answer_tokens: Items  # int32[n]
    prompt_hits: Items  # int32[n], windows that stand in an evaluation prompt
    answer_containment: npt.NDArray[np.float64]  # [n], largest share of an evaluation answer's grams
    prompt_items: Items  # int32[n], the evaluation item of the first hit; -1 for none
    answer_items: Items  # int32[n], the evaluation item of that share; -1 for none
    eval_items: list[str | None]  # `set:line` of the prompt's item, else of the answer's


class Screener:
    """Screens batches of records against given evaluation sets; built once per process."""

    def __init__(self, config: ScreeningConfig, eval_sets: Sequence[EvalSet] = ()) -> None:
        self._config = config
        self._scanner = Scanner((*SECRET_RULES, *PII_RULES))
        self.index = ContaminationIndex(
            eval_sets,
            prompt_ngram=config.prompt_ngram,
            answer_ngram=config.answer_ngram,
            shortest_window=config.shortest_window,
        )

    def screen(self, prompts: pa.StringArray, answers: pa.StringArray) -> ScreenedBatch:
        """Return what is found in the records (prompts[i], answers[i])."""
        size = len(prompts)
        texts = _packed(prompts, answers)
        folded = fold_packed(texts)
        tokens = tokenize(folded)
        answer_tokens = Tokens(tokens.offsets[size:], tokens.hashes)
        overlap = self.index.match(tokens)
        keys = _keys(folded)
        secrets, pii, redacted = self._scan(texts, keys)
        return ScreenedBatch(
            secrets=secrets,
            pii=pii,
            redacted_prompts=redacted[:size],
            redacted_answers=redacted[size:],
            prompt_keys=keys[:size],
            answer_keys=keys[size:],
            band_keys=signatures(answer_tokens, self._config.shingle),
            answer_tokens=answer_tokens.counts.astype(np.int32),
            prompt_hits=overlap.prompt_hits,
            answer_containment=overlap.answer_containment,
            prompt_items=overlap.prompt_item,
            answer_items=overlap.answer_item,
            eval_items=self._named(overlap),
        )

    def _scan(
        self, packed: Packed, keys: list[bytes]
    ) -> tuple[list[tuple[str, ...]], list[dict[str, int] | None], list[str | None]]:
        """Return secrets, PII counts and redactions, and put the keys of redacted texts in their place."""
        size = len(keys) // 2
        secrets: list[tuple[str, ...]] = [()] * size
        pii: list[dict[str, int] | None] = [None] * size
        redacted: list[str | None] = [None] * len(keys)
        for row, flagged in self._scanner.flagged_rows(packed.data, packed.starts[:size], packed.ends[size:]):
            rules = [number for number in flagged if number < len(SECRET_RULES)]
            kinds = [number - len(SECRET_RULES) for number in flagged[len(rules) :]]
            texts = {place: packed.text(place) for place in (row, row + size)}
            secrets[row] = _ordered(rule for text in texts.values() for rule in rule_names(text, rules))
            pii[row] = _redact(texts, kinds, redacted, keys)
        return secrets, pii, redacted

    def _named(self, overlap: Overlap) -> list[str | None]:
        named: list[str | None] = [None] * len(overlap.prompt_item)
        items = np.where(overlap.prompt_item >= 0, overlap.prompt_item, overlap.answer_item)
        for row in np.flatnonzero(items >= 0).tolist():
            item = self.index.items[items[row]]
            named[row] = f"{item.eval_set}:{item.line}"
        return named


def _packed(prompts: pa.StringArray, answers: pa.StringArray) -> Packed:
    """Return the texts of the records, all prompts before all answers; each record is one run of bytes, NUL between."""
    records = pc.binary_join_element_wise(prompts, answers, "\0", null_handling="replace")
    _, offsets, data = records.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(records) + 1).astype(np.int64)
    middles = bounds[:-1] + pc.fill_null(pc.binary_length(prompts), 0).to_numpy()
    starts, ends = np.concatenate([bounds[:-1], middles + 1]), np.concatenate([middles, bounds[1:]])
    return Packed(np.frombuffer(data or b"", np.uint8), starts, ends)


def _redact(
    texts: Mapping[int, str], flagged: list[int], redacted: list[str | None], keys: list[bytes]
) -> dict[str, int] | None:
    """Redact the texts of a record, given by place; return what was replaced in them together, None for nothing."""
    total: dict[str, int] = {}
    for place, text in texts.items():
        found = redact_text(text, flagged)
        if found is not None:
            redacted[place], counts = found
            keys[place] = text_key(fold(found[0]))
            for kind, count in counts.items():
                total[kind] = total.get(kind, 0) + count
    return total or None


_RULE_ORDER = {rule.name: number for number, rule in enumerate(SECRET_RULES)}


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=_RULE_ORDER.__getitem__))


def _keys(folded: Folded) -> list[bytes]:
    data = memoryview(folded.data)  # type: ignore[arg-type]  # numpy declares no buffer before Python 3.12
    sha256 = hashlib.sha256
    places = zip(folded.starts.tolist(), folded.ends.tolist(), strict=True)
    return [sha256(data[start:end]).digest()[:KEY_BYTES] for start, end in places]
