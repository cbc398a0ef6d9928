"""Row changes: which rows of a published table came, went or say something else than in an earlier version of it.

Versions are immutable and stay in the lake, so two of them can be laid side by side; nothing is kept for this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as arrow_dataset

from distill_platform.refinery.summary import table_of
from distill_platform.store.lake import Lake
from distill_platform.store.receipts import Artifact, StageReceipt

Connection = duckdb.DuckDBPyConnection

# A table is known by a column that only it has; then come the name of a row, and what the row says of it.
_ROWS = (
    ("disposition", "coalesce(evidence_id, provenance.raw_sha256)", ("reason",)),
    ("category", "evidence_id", ("category", "reasons", "inherited")),
    ("bands", "evidence_id", ("secrets", "invented_paths", "pii", "redacted_prompt", "redacted_text", "words",
                              "eval_prompt_hits", "eval_containment", "eval_item")),
    ("id", "id", ("split",)),
    ("evidence_id", "evidence_id", ()),
)  # fmt: skip

_DIFFERENCE = """
with sides as (
    select {key} as name, {said} as said, 1 as side from current
    union all
    select {key} as name, {said} as said, -1 as side from prior
), moved as (
    select name, said, sum(side) as surplus from sides group by name, said having sum(side) <> 0
), named as (
    select name,
           coalesce(sum(surplus) filter (surplus > 0), 0) as came,
           coalesce(-sum(surplus) filter (surplus < 0), 0) as went
    from moved group by name
)
select coalesce(sum(came - least(came, went)), 0)::bigint,
       coalesce(sum(went - least(came, went)), 0)::bigint,
       coalesce(sum(least(came, went)), 0)::bigint,
       coalesce(list(name order by name)[1:5], [])
from named
"""


@dataclass(frozen=True)
class TableDrift:
    """One table of one partition: rows that came, that went, and that stayed but say something else.

    The three numbers are None where nobody can know; `unknown` then says why. `sample` names a few of the rows.
    """

    partition: str
    table: str
    rows_added: int | None
    rows_removed: int | None
    rows_changed: int | None
    sample: tuple[str, ...] = ()
    unknown: str = ""

    @property
    def moved(self) -> bool:
        """Return whether there is anything to tell."""
        return bool(self.unknown or self.rows_added or self.rows_removed or self.rows_changed)


@contextmanager
def row_comparison(lake: Lake, threads: int) -> Iterator[Connection]:
    """Open what compares tables of any size: beyond its memory it spills into the lake's scratch space."""
    with lake.staging() as scratch:
        connection = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                "memory_limit": "1GB",
                "temp_directory": str(scratch),
                "autoinstall_known_extensions": False,
            },
        )
        try:
            yield connection
        finally:
            connection.close()


def changed_tables(lake: Lake, rows: Connection, prior: StageReceipt, current: StageReceipt) -> list[TableDrift]:
    """Return the tables of a partition that differ between two receipts; none for two that published the same."""
    before, now = _by_table(prior), _by_table(current)
    found = [
        _compare(lake, rows, current.partition, table, before.get(table, ()), now.get(table, ()))
        for table in sorted({*before, *now})
    ]
    return [table for table in found if table.moved]


def _by_table(receipt: StageReceipt) -> dict[str, tuple[Artifact, ...]]:
    """Return the Parquet files of each table; a table without rows has no files."""
    tables: dict[str, tuple[Artifact, ...]] = {}
    for output in receipt.outputs:
        _, name = table_of(output.path)
        if name:
            tables[name] = (*tables.get(name, ()), output)
    return tables


def _compare(
    lake: Lake, rows: Connection, partition: str, table: str, prior: Sequence[Artifact], current: Sequence[Artifact]
) -> TableDrift:
    if [part.sha256 for part in prior] == [part.sha256 for part in current]:
        return TableDrift(partition, table, 0, 0, 0)
    gone = [part.path for part in (*prior, *current) if not (lake.root / part.path).is_file()]
    if gone and {part.content_hash for part in prior} == {part.content_hash for part in current}:
        return TableDrift(partition, table, 0, 0, 0)
    if gone:
        return _unknown(partition, table, f"{gone[0]} is gone")
    try:
        return _difference(rows, partition, table, *([lake.root / part.path for part in s] for s in (prior, current)))
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        return _unknown(partition, table, f"its files cannot be compared: {error}")


def _unknown(partition: str, table: str, why: str) -> TableDrift:
    return TableDrift(partition, table, None, None, None, unknown=" ".join(why.split())[:300])


def _difference(
    rows: Connection, partition: str, table: str, prior: Sequence[Path], current: Sequence[Path]
) -> TableDrift:
    """Return the difference of two multisets of rows; either side may have no files, not both."""
    before, now = (_opened(paths) for paths in (prior, current))
    known = now if before is None else before
    assert known is not None
    rows.register("prior", before if before is not None else known.schema.empty_table())
    rows.register("current", now if now is not None else known.schema.empty_table())
    common = {*known.schema.names} & {*(known if now is None else now).schema.names}
    ((added, removed, changed, sample),) = rows.execute(_query(common)).fetchall()
    return TableDrift(partition, table, added, removed, changed, tuple(sample))


def _opened(paths: Sequence[Path]) -> arrow_dataset.Dataset | None:
    return arrow_dataset.dataset([str(path) for path in paths], format="parquet") if paths else None


def _query(columns: set[str]) -> str:
    """Return the question for a table with these columns; OSError where no kind of row is known by them."""
    for marker, key, says in _ROWS:
        if marker in columns:
            said = ", ".join(name for name in says if name in columns)
            return _DIFFERENCE.format(key=key, said=f"row({said})" if said else "0")
    raise OSError(f"no column names its rows: {', '.join(sorted(columns))}")
