"""Metadata: what a materialization shows. Numbers become plots over the days; reasons become tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from distill_platform.defs.column_schemas import TABLES
from distill_platform.store.lake import Counts, Manifest

_WHY = ("why", "reason", "rows")


def partition_metadata(manifest: Manifest) -> dict[str, Any]:
    """Return what one published partition shows."""
    shown: dict[str, Any] = {
        "dagster/row_count": _main_rows(manifest),
        **count_metadata(manifest.counts),
        "version": manifest.version,
        "place": str(manifest.extra.get("folder", f"{manifest.dataset}/{manifest.partition}/{manifest.version}")),
        "verdict": "passed" if manifest.passed else "refused: " + "; ".join(manifest.errors),
    }
    if reasons := reason_rows(manifest.counts):
        shown["reasons"] = markdown_table(_WHY, reasons)
    if health := manifest.extra.get("health"):
        shown["health"] = _health_table(health)
    if corpora := manifest.extra.get("corpora"):
        shown["corpora"] = _corpora_table(corpora)
    for world_id, told in manifest.extra.get("worlds", {}).items():
        shown |= {f"{world_id}/{name}": value for name, value in told.items() if value is not None}
    if unjudged := manifest.extra.get("unjudged"):
        rows = [(run_id, why["reason"], why["message"]) for run_id, why in unjudged.items()]
        shown["unjudged"] = markdown_table(("run", "reason", "message"), rows)
    if missing := manifest.extra.get("missing_sources"):
        shown["missing_sources"] = ", ".join(missing)
    return shown


def count_metadata(counts: Counts) -> dict[str, int]:
    """Return where the rows went, as numbers that plot."""
    return {
        "rows_in": counts.rows_in,
        "rows_out": counts.rows_out,
        "rows_deduplicated": counts.deduplicated,
        "rows_skipped": sum(counts.skipped.values()),
        "rows_quarantined": sum(counts.quarantined.values()),
    }


def _main_rows(manifest: Manifest) -> int:
    """Return the rows of a dataset's main table; a release has several, which together are its rows out."""
    tables = TABLES.get(manifest.dataset)
    return manifest.tables[next(iter(tables))].rows if tables else manifest.counts.rows_out


def apart_metadata(manifest: Manifest) -> dict[str, Any]:
    """Return what a run shows of rows that belong to none of its days, such as undated ones."""
    name = manifest.partition
    shown: dict[str, Any] = {f"{name}_rows": manifest.counts.rows_in}
    if reasons := reason_rows(manifest.counts):
        shown[f"{name}_reasons"] = markdown_table(_WHY, reasons)
    return shown


def reason_rows(counts: Counts) -> list[tuple[str, str, int]]:
    """Return one row per reason for which rows were dropped, most rows first."""
    kinds: Mapping[str, Mapping[str, int]] = {"quarantined": counts.quarantined, "skipped": counts.skipped}
    rows = [(kind, reason, count) for kind, reasons in kinds.items() for reason, count in reasons.items()]
    return sorted(rows, key=lambda row: (-row[2], row))


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MarkdownMetadataValue:
    """Return a table that the user interface renders."""
    lines = [header, ["---"] * len(header), *rows]
    text = "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)
    return dg.MetadataValue.md(text)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _health_table(health: Mapping[str, Mapping[str, Any]]) -> dg.MarkdownMetadataValue:
    rows = [
        (stream, told["rows"], told["score_ready"], ", ".join(f"{name} ({n})" for name, n in told["missing"].items()))
        for stream, told in health.items()
    ]
    return markdown_table(("stream", "rows", "score-ready", "missing fields"), rows)


def _corpora_table(corpora: Mapping[str, Mapping[str, Any]]) -> dg.MarkdownMetadataValue:
    names = ("samples", "train_records", "validation_records")
    return markdown_table(
        ("corpus", *names), [(name, *(told.get(n, "") for n in names)) for name, told in corpora.items()]
    )
