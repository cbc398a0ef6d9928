"""Export of pairs: two records side by side, gathered from wherever in the day or the range they lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa

from distill_platform.refinery.corpora import firewall
from distill_platform.refinery.corpora.corpus import Redacted, joined
from distill_platform.refinery.corpora.part_rows import PartRows
from distill_platform.refinery.corpora.samples import preference_table
from distill_platform.refinery.corpora.written import Exported, write_samples
from distill_platform.refinery.judging.candidates import Candidates, Ints, Mask
from distill_platform.refinery.judging.gates import Judgement
from distill_platform.refinery.judging.pairs import Pairs
from distill_platform.refinery.quarantine import Reason
from distill_platform.store.lake import Draft

CHARACTERS_AT_ONCE = 30_000_000


def export_pairs(
    candidates: Candidates, pairs: Pairs, judgement: Judgement, draft: Draft, *, pii: bool
) -> Iterator[Exported]:
    """Yield the pairs as written, batch by batch; records in none but pairs the schema layer refuses are dropped."""
    fine = np.ones(len(pairs.chosen), bool)
    for number, batch in enumerate(_batches(candidates, pairs)):
        table = _table(candidates, pairs.chosen[batch], pairs.rejected[batch], pii)
        refused = firewall.violations("preference_corpus", table).to_numpy(zero_copy_only=False)
        if refused.any():
            fine[batch] = ~refused
            _drop_refused(judgement, pairs, fine)
            table = table.filter(pa.array(~refused))
        written = write_samples(draft.part_path("samples", number), table)
        if written is not None:
            yield Exported(written, None, Counter())


def _batches(candidates: Candidates, pairs: Pairs) -> list[slice]:
    """Return the pairs cut so that each batch holds about as many characters as fit into memory at once."""
    characters = np.cumsum(candidates.characters[pairs.chosen] + candidates.characters[pairs.rejected])
    batch = (characters - 1) // CHARACTERS_AT_ONCE
    bounds = [0, *(np.flatnonzero(np.diff(batch)) + 1).tolist(), len(batch)]
    return [slice(low, high) for low, high in pairwise(bounds) if high > low]


def _table(candidates: Candidates, chosen: Ints, rejected: Ints, pii: bool) -> pa.Table:
    rows = np.union1d(chosen, rejected)
    source = _gather(candidates, rows, pii)
    places = np.searchsorted(rows, chosen), np.searchsorted(rows, rejected)
    categories = candidates.category[chosen], candidates.category[rejected]
    return preference_table(source, places, categories, candidates.validation[chosen], pii=pii)


def _drop_refused(judgement: Judgement, pairs: Pairs, fine: Mask) -> None:
    """Drop the records that stand in no pair but refused ones; pairs not yet looked at count as fine."""
    used = np.union1d(pairs.chosen[fine], pairs.rejected[fine])
    touched = np.union1d(pairs.chosen[~fine], pairs.rejected[~fine])
    judgement.drop(np.setdiff1d(touched, used), Reason.INVALID_PREFERENCE_PAIRING)


def _gather(candidates: Candidates, rows: Ints, pii: bool) -> Redacted:
    """Return the given records (ascending) from wherever they lie."""
    pieces = []
    for part in candidates.parts:
        low, high = np.searchsorted(rows, [part.first, part.first + part.rows])
        if high > low:
            pieces.append(PartRows(part, pii=pii).texts.take(rows[low:high] - part.first))
    return joined(pieces)
