"""Part rows: what exports read of one part of a day; each table is read once, whatever corpora are made from it."""

from __future__ import annotations

from functools import cached_property

import pyarrow as pa

from distill_platform.refinery.corpora.corpus import Redacted, redacted
from distill_platform.refinery.judging.candidates import PartTriple
from distill_platform.refinery.quarantine import SCORED_COLUMNS
from distill_platform.store.lake.parts import read_part

_TEXTS = [
    "evidence_id", "run_id", "task_id", "source", "prompt", "text", "provenance", "title", "tags", "prompt_source",
    "messages",
]  # fmt: skip


class PartRows:
    """All rows of one part, in its order; what nobody asks for is not read."""

    def __init__(self, part: PartTriple, *, pii: bool) -> None:
        self._part = part
        self._pii = pii

    @cached_property
    def texts(self) -> Redacted:
        """Return the evidence as it may leave; `pii`: without personal data."""
        screened = read_part(self._part.screened, ["redacted_prompt", "redacted_text"])
        return redacted(read_part(self._part.evidence, _TEXTS), screened, self._pii)

    @cached_property
    def scored(self) -> pa.Table:
        """Return the verdicts and their provenance."""
        return read_part(self._part.scored, ["evidence_id", *SCORED_COLUMNS, "provenance"])

    @cached_property
    def findings(self) -> pa.Table:
        """Return what screening found that a reason names."""
        return read_part(self._part.screened, ["secrets", "invented_paths", "eval_item"])
