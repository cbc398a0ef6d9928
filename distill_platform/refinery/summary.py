"""Summary: what one run did, for a program (JSON) and for somebody who never saw the platform (Markdown)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from distill_platform.core import canon
from distill_platform.refinery.schemas import CORPORA, TABLES
from distill_platform.store.lake import Counts
from distill_platform.store.receipts import StageReceipt

_RELEASE = "corpus_release"
_CORPORA = (*CORPORA, _RELEASE)
_ORDER = (*(stage for stage in TABLES if stage not in _CORPORA), *_CORPORA)
_MOST_PLACES = 31


@dataclass(frozen=True)
class StageTotals:
    """One stage over all its partitions; `samples` counts the published ones; None for a stage that makes none."""

    stage: str
    partitions: tuple[str, ...]
    passed: bool
    rows_in: int
    rows_out: int
    deduplicated: int
    skipped: Mapping[str, int]
    quarantined: Mapping[str, int]
    samples: int | None
    seconds: float


@dataclass(frozen=True)
class CorpusPlace:
    """Where one partition of a corpus or release lies, as a folder inside the lake, and the rows in it."""

    corpus: str
    partition: str
    folder: str
    rows: int


@dataclass(frozen=True)
class RunSummary:
    """All stages' totals. Equal work gives an equal `run_hash`, whenever and however often it is done."""

    run_id: str
    run_hash: str
    overall_passed: bool
    stages: tuple[StageTotals, ...]
    errors: tuple[str, ...]
    corpora: tuple[CorpusPlace, ...]

    def to_json(self) -> bytes:
        """Return the summary as canonical JSON."""
        return canon.dumps(asdict(self))

    def to_markdown(self) -> str:
        """Return the summary for a reader: the verdict, what failed, a table per stage, and where the corpora lie."""
        verdict = "Every check held." if self.overall_passed else "**Not passed: do not train on this.**"
        parts = [f"# Run {self.run_id}", f"{verdict} Run hash `{self.run_hash}`."]
        if self.errors:
            parts += ["## What failed", "\n".join(f"- {_plain(error)}" for error in self.errors)]
        parts += ["## Stages", _LEGEND, _overview(self.stages)]
        for totals in self.stages:
            parts += [f"### {totals.stage}", _fates(totals)]
        parts += ["## Where the corpora lie", _places(self.corpora)]
        return "\n\n".join(parts) + "\n"


def summarize(run_id: str, receipts: Sequence[StageReceipt]) -> RunSummary:
    """Return the totals of a run's receipts; a run without receipts has not passed."""
    stages = in_order({receipt.stage for receipt in receipts})
    errors = [
        f"{receipt.stage}[{receipt.partition}] {error}"
        for receipt in sorted(receipts, key=_key)
        for error in receipt.errors
    ]
    return RunSummary(
        run_id,
        run_hash(receipts),
        bool(receipts) and all(receipt.passed for receipt in receipts),
        tuple(_totals(stage, [receipt for receipt in receipts if receipt.stage == stage]) for stage in stages),
        tuple(errors),
        tuple(_corpora(receipts)),
    )


def run_hash(receipts: Iterable[StageReceipt]) -> str:
    """Return one hash over what every stage made of every partition; run ids, times and places are not part of it."""
    return canon.sig_hash(sorted([*_key(receipt), receipt.content_hash] for receipt in receipts))


def in_order(stages: Iterable[str]) -> list[str]:
    """Return the stages as the pipeline runs them, whatever order they were started in."""
    return sorted(stages, key=lambda stage: (_ORDER.index(stage) if stage in _ORDER else len(_ORDER), stage))


def _key(receipt: StageReceipt) -> tuple[str, str]:
    return receipt.stage, receipt.partition


def _totals(stage: str, receipts: Sequence[StageReceipt]) -> StageTotals:
    counts = total_counts(receipts)
    return StageTotals(
        stage,
        tuple(sorted(receipt.partition for receipt in receipts)),
        all(receipt.passed for receipt in receipts),
        counts.rows_in,
        counts.rows_out,
        counts.deduplicated,
        counts.skipped,
        counts.quarantined,
        sum(place.rows for place in _corpora(receipts)) if stage in _CORPORA else None,
        round(sum(receipt.duration_s for receipt in receipts), 3),
    )


def total_counts(receipts: Iterable[StageReceipt]) -> Counts:
    """Return the counts of several receipts, added."""
    counts = Counts()
    for receipt in receipts:
        counts = counts.plus(receipt.counts)
    return counts


def _corpora(receipts: Iterable[StageReceipt]) -> Iterable[CorpusPlace]:
    """Yield every folder of samples that this run published; refused partitions are named among the errors instead."""
    for receipt in sorted(receipts, key=_key):
        if receipt.passed and receipt.stage in _CORPORA:
            rows: dict[str, int] = {}
            for output in receipt.outputs:
                home, table = table_of(output.path)
                if table and not table.startswith("quarantine"):
                    folder = home if receipt.stage == _RELEASE else f"{home}/{table}"
                    rows[folder] = rows.get(folder, 0) + output.rows
            yield from (CorpusPlace(receipt.stage, receipt.partition, *place) for place in rows.items())


def table_of(path: str) -> tuple[str, str]:
    """Return the folder of the version that an output belongs to, and its table; "" for what is not Parquet.

    A release holds a file per table (`releases/<name>/sft/train.parquet`), any other version a folder of parts.
    """
    home, name = path.split("/")[:2], path.split("/")[2:]
    if name[-1].startswith("part-"):
        home, name = path.split("/")[:3], name[1:-1]
    return "/".join(home), "/".join(name).removesuffix(".parquet") if path.endswith(".parquet") else ""


_LEGEND = (
    "Every row that a stage took in is out, deduplicated, skipped or quarantined. A row that was dropped stands, with "
    "its reason, in the table `quarantine` next to the stage's output."
)


def _overview(stages: Sequence[StageTotals]) -> str:
    head = ("stage", "partitions", "in", "out", "deduplicated", "skipped", "quarantined", "samples", "seconds", "")
    rows = [
        (s.stage, len(s.partitions), s.rows_in, s.rows_out, s.deduplicated, sum(s.skipped.values()),
         sum(s.quarantined.values()), "" if s.samples is None else s.samples, f"{s.seconds:.2f}",
         "passed" if s.passed else "**failed**")
        for s in stages
    ]  # fmt: skip
    return table(head, rows)


def _fates(totals: StageTotals) -> str:
    """Return one stage's table: where its rows went, with the reasons, most frequent first."""
    fates: list[tuple[Any, ...]] = [("in", "", totals.rows_in), ("out", "", totals.rows_out)]
    fates += [("deduplicated", "", totals.deduplicated)]
    for fate, reasons in (("skipped", totals.skipped), ("quarantined", totals.quarantined)):
        by_size = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        fates += [(fate, reason, rows) for reason, rows in by_size] or [(fate, "", 0)]
    return table(("rows", "reason", "how many"), fates)


def _places(corpora: Sequence[CorpusPlace]) -> str:
    """Return where the corpora lie, releases first; a corpus of very many days is one line."""
    if not corpora:
        return "This run published no samples."
    rows: list[tuple[object, ...]] = []
    for corpus in reversed(in_order({place.corpus for place in corpora})):
        places = [place for place in corpora if place.corpus == corpus]
        if len(places) > _MOST_PLACES:
            total = sum(place.rows for place in places)
            rows.append((corpus, f"{len(places)} partitions", f"`{corpus}/`, each named in summary.json", total))
        else:
            rows += [(corpus, place.partition, f"`{place.folder}`", place.rows) for place in places]
    return "Folders are inside the lake.\n\n" + table(("corpus", "partition", "folder", "rows"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; numbers stand right, with thousands separated."""
    body = [list(row) for row in rows]
    numeric = [bool(body) and all(isinstance(row[n], int) for row in body) for n in range(len(head))]
    rule = ["---:" if right else "---" for right in numeric]
    lines = [list(head), rule, *([_cell(value) for value in row] for row in body)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else _plain(str(value))


def _plain(text: str) -> str:
    """Return a text that stays inside its cell or list item."""
    return " ".join(text.replace("|", "\\|").split())
