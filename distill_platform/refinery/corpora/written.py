"""Written: the files of a corpus, and the content hashes of their rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from distill_platform.refinery.quarantine import Reason, quarantine_hashes
from distill_platform.store.lake.parts import write_part
from distill_platform.store.lake.publishing import Written, joined

_PLAIN = (
    "id", "evidence_id", "source_run_id", "text", "title", "row", "detail",
    *(f"{name}.list.element.content" for name in ("prompt", "completion", "chosen", "rejected")),
    *(f"{name}provenance.{part}" for name in ("", "chosen_", "rejected_")
      for part in ("line_offset", "raw_sha256", "sig_hash")),
    "chosen_run_id", "rejected_run_id", "chosen_evidence_id", "rejected_evidence_id",
)  # fmt: skip


@dataclass(frozen=True)
class Exported:
    """What was written, and how many records were dropped for which reason."""

    samples: Written | None
    quarantine: Written | None
    reasons: Counter[Reason]


def write_samples(path: Path, samples: pa.Table) -> Written | None:
    """Return the samples, written; None when there are none."""
    if not samples.num_rows:
        return None
    return Written(write_part(path, samples, plain=_PLAIN), row_hashes(samples))


def write_quarantine(path: Path, dropped: pa.Table) -> Written:
    """Return the dropped records, written."""
    return Written(write_part(path, dropped, plain=_PLAIN), quarantine_hashes(dropped))


def row_hashes(samples: pa.Table) -> bytes:
    """Return what the content hash covers, row by row: the ids, hashes of all a sample says, and the split."""
    return joined(samples["id"], samples["split"])
