"""The gates: in a fixed order, each may only drop records that came through the ones before it.

Order: schema and provenance, category, invented file paths, secrets, verdict conflicts, exact duplicates,
near-duplicates, leakage across the split, evaluation-set contamination. Redaction of personal data is part of
screening: the keys compared here are those of the redacted texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from distill_platform.refinery.judging.candidates import Candidates, Ints, Keys, Mask
from distill_platform.refinery.judging.near_duplicates import Neighbours, near_duplicates
from distill_platform.refinery.quarantine import Reason
from distill_platform.refinery.settings import GateSettings
from distill_platform.refinery.streams import Category

REASONS = tuple(Reason)
_CODES = {reason: code for code, reason in enumerate(REASONS, start=1)}


@dataclass(frozen=True)
class Admission:
    """Which records a corpus may hold at all, and what makes two of its rows the same."""

    unsafe: frozenset[Category]
    unsafe_reason: Reason
    allowed: frozenset[Category]
    inherited: bool
    needs_prompt: bool


@dataclass(frozen=True)
class Judgement:
    """The gates' decision on every record: 0 where it is kept, else a code; `other` is the record it lost to or -1."""

    codes: Ints
    other: Ints

    @property
    def kept(self) -> Mask:
        """Return which records no gate dropped."""
        kept: Mask = self.codes == 0
        return kept

    def reason(self, row: int) -> Reason:
        """Return why a dropped record was dropped."""
        return REASONS[int(self.codes[row]) - 1]

    def drop(self, rows: Mask | Ints, reason: Reason, other: Ints | None = None) -> None:
        """Drop those of `rows` that are still kept; `other` names, for every record, the one it lost to."""
        chosen = np.zeros(len(self.codes), bool)
        chosen[rows] = True
        chosen &= self.kept
        self.codes[chosen] = _CODES[reason]
        if other is not None:
            self.other[chosen] = other[chosen]


def judge(candidates: Candidates, among: Neighbours, admission: Admission, gates: GateSettings) -> Judgement:
    """Return what the gates decide over all candidates for one corpus; near-duplicates are looked for `among` some."""
    judgement = Judgement(np.zeros(len(candidates), np.int64), np.full(len(candidates), -1, np.int64))
    _schema(candidates, admission, judgement)
    _category(candidates, admission, judgement)
    judgement.drop(candidates.invents_paths, Reason.HALLUCINATED_FILE_PATH)
    admitted = judgement.kept
    steps: list[tuple[bool, Callable[[], None]]] = [
        (gates.secrets, lambda: judgement.drop(candidates.secrets, Reason.SECRET_FOUND)),
        (gates.verdict_conflicts, lambda: judgement.drop(conflicts(candidates), Reason.VERDICT_CONFLICT)),
        (gates.exact_duplicates, lambda: _exact_duplicates(candidates, admission, judgement)),
        (gates.near_duplicates, lambda: _near_duplicates(candidates, among, gates, judgement)),
        (gates.split_leakage, lambda: _split_leakage(candidates, admission, admitted, judgement)),
        (gates.eval_contamination, lambda: judgement.drop(contaminated(candidates, gates), Reason.EVAL_CONTAMINATION)),
    ]
    for enabled, step in steps:
        if enabled:
            step()
    return judgement


def _schema(candidates: Candidates, admission: Admission, judgement: Judgement) -> None:
    judgement.drop(~candidates.has_provenance, Reason.MISSING_PROVENANCE)
    judgement.drop(~candidates.has_run, Reason.MISSING_SOURCE_RUN_ID)
    judgement.drop(~candidates.has_text, Reason.EMPTY_CONTENT)
    if admission.needs_prompt:
        judgement.drop(~candidates.has_prompt, Reason.EMPTY_CONTENT)


def _category(candidates: Candidates, admission: Admission, judgement: Judgement) -> None:
    judgement.drop(_among(candidates.category, admission.unsafe), admission.unsafe_reason)
    judgement.drop(~_among(candidates.category, admission.allowed), Reason.CATEGORY_DISALLOWED)
    if not admission.inherited:
        judgement.drop(candidates.inherited, Reason.CATEGORY_DISALLOWED)


def _among(category: Ints, wanted: frozenset[Category]) -> Mask:
    return np.isin(category, [member.rank for member in wanted])


def favourable(candidates: Candidates) -> Mask:
    """Return which records speak for their text."""
    return candidates.category <= Category.PARTIALLY_ACCEPTED.rank


def rejected(candidates: Candidates) -> Mask:
    """Return which records speak against their text."""
    against: Mask = candidates.category == Category.REJECTED.rank
    return against


def conflicts(candidates: Candidates) -> Mask:
    """Return every record whose text was both accepted (or partially) and rejected for the same task or same prompt.

    All records count, also those that earlier gates dropped: a verdict stays a verdict.
    """
    conflicting = np.zeros(len(candidates), bool)
    by_task = mixed(candidates.answer, candidates.task.astype(np.uint64))
    by_prompt = mixed(candidates.answer, candidates.prompt)
    for key, counted in ((by_task, candidates.has_text), (by_prompt, candidates.has_text & candidates.has_prompt)):
        rows = np.flatnonzero(counted)
        _, group = np.unique(key[rows], return_inverse=True)
        spoken_for = np.bincount(group, weights=favourable(candidates)[rows]) > 0
        spoken_against = np.bincount(group, weights=rejected(candidates)[rows]) > 0
        conflicting[rows] |= (spoken_for & spoken_against)[group]
    return conflicting


def mixed(left: Keys, right: Keys) -> Keys:
    """Return one 64-bit key for each pair of keys (splitmix64 of one, added to the other, mixed again)."""
    return _mix(_mix(left) + right)


def _mix(keys: Keys) -> Keys:
    with np.errstate(over="ignore"):
        keys = keys + np.uint64(0x9E3779B97F4A7C15)
        keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def _content_key(candidates: Candidates, admission: Admission) -> Keys:
    """Return what makes two rows the same: prompt and text, or the text alone; what is rejected stays apart."""
    content = mixed(candidates.answer, candidates.prompt) if admission.needs_prompt else candidates.answer
    return mixed(content, rejected(candidates).astype(np.uint64))


def _exact_duplicates(candidates: Candidates, admission: Admission, judgement: Judgement) -> None:
    ranked = candidates.order[judgement.kept[candidates.order]]
    keys = _content_key(candidates, admission)[ranked]
    _, best, group = np.unique(keys, return_index=True, return_inverse=True)
    lost_to = ranked[best[group]]
    other = np.full(len(candidates), -1, np.int64)
    other[ranked] = lost_to
    judgement.drop(ranked[lost_to != ranked], Reason.DUPLICATE_ID, other)


def _near_duplicates(candidates: Candidates, among: Neighbours, gates: GateSettings, judgement: Judgement) -> None:
    threshold = gates.near_duplicate_jaccard
    other = near_duplicates(candidates, among, judgement.kept, rejected(candidates), threshold)
    judgement.drop(other >= 0, Reason.NEAR_DUPLICATE, other)


def _split_leakage(candidates: Candidates, admission: Admission, admitted: Mask, judgement: Judgement) -> None:
    """Drop validation rows whose prompt or text also belongs to a training task.

    All `admitted` records of training tasks count, also those that a gate dropped since: what may be validated on
    must not depend on which gates are on, and a gate that takes a training row must not let another row in.
    """
    keys = [(candidates.answer, candidates.has_text)]
    if admission.needs_prompt:
        keys.append((candidates.prompt, candidates.has_prompt & candidates.from_trace))
    for key, counted in keys:
        trained = np.unique(key[admitted & counted & ~candidates.validation])
        judgement.drop(counted & candidates.validation & np.isin(key, trained), Reason.SPLIT_LEAKAGE)


def contaminated(candidates: Candidates, gates: GateSettings) -> Mask:
    """Return which records share n-grams with an evaluation prompt, or hold too much of an evaluation answer."""
    return (candidates.eval_hits >= gates.eval_prompt_hits) | (
        candidates.eval_containment >= gates.eval_answer_containment
    )
