"""Closed days leave the ledger as Parquet files that DuckDB reads and that never change."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from queue import Queue

import duckdb
import pytest

from distill_platform.core import canon
from distill_platform.core.errors import LedgerDamaged
from distill_platform.store.ledger import Ledger, export_closed_days, open_ledger
from distill_platform.testing.ledger_contract import START, STREAM, TickingClock, entry
from distill_platform_tests.store.tampering import tamper

DAY = timedelta(days=1)


@pytest.fixture
def clock() -> TickingClock:
    return TickingClock()


@pytest.fixture
def ledger(url: str, clock: TickingClock) -> Iterator[Ledger]:
    with open_ledger(url, clock=clock, anchors=None) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "export"


def fill(ledger: Ledger, clock: TickingClock) -> None:
    """Three revisions on the first day, one on the third, one today."""
    ledger.append_all([entry(1), entry(1, stream="baseline"), entry(2)])
    clock.now = START + 2 * DAY
    ledger.append(entry(3))
    clock.now = START + 5 * DAY
    ledger.append(entry(4))


def files(folder: Path) -> dict[str, str]:
    found = sorted(folder.rglob("*.parquet"))
    return {str(path.relative_to(folder)): canon.sha256_hex(path.read_bytes()) for path in found}


def test_there_is_one_file_for_every_day_before_today(ledger: Ledger, clock: TickingClock, folder: Path) -> None:
    fill(ledger, clock)
    parts = export_closed_days(ledger, folder)
    assert [(part.day, part.rows) for part in parts] == [(date(2026, 4, 20), 3), (date(2026, 4, 22), 1)]
    assert list(files(folder)) == ["day=2026-04-20/part-00001.parquet", "day=2026-04-22/part-00001.parquet"]


def test_duckdb_reads_what_was_recorded(ledger: Ledger, clock: TickingClock, folder: Path) -> None:
    fill(ledger, clock)
    export_closed_days(ledger, folder)
    query = f"SELECT * FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true) ORDER BY stream, number"
    rows = duckdb.sql(query).to_arrow_table().to_pylist()
    expected = [one for stream in ledger.streams() for one in ledger.read(stream) if one.key != "k4"]
    assert [(row["stream"], row["number"], row["body"], row["digest"]) for row in rows] == [
        (one.stream, one.number, one.text, one.digest) for one in expected
    ]
    assert [row["recorded_at"] for row in rows] == [one.recorded_at for one in expected]
    total = f"SELECT sum((body->>'n')::INT) FROM '{folder}/*/*.parquet' WHERE stream = '{STREAM}'"
    assert duckdb.sql(total).fetchall() == [(6,)]


def test_a_second_export_writes_nothing(ledger: Ledger, clock: TickingClock, folder: Path) -> None:
    fill(ledger, clock)
    export_closed_days(ledger, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    assert export_closed_days(ledger, folder) == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == before


def test_a_later_export_adds_the_days_that_have_closed_since(ledger: Ledger, clock: TickingClock, folder: Path) -> None:
    fill(ledger, clock)
    export_closed_days(ledger, folder)
    before = files(folder)
    clock.now = START + 6 * DAY
    (part,) = export_closed_days(ledger, folder)
    assert part.day == date(2026, 4, 25)
    assert before.items() < files(folder).items()


def test_both_databases_export_the_same_bytes(sqlite_url: str, postgres_url: str, tmp_path: Path) -> None:
    found = []
    for number, url in enumerate((sqlite_url, postgres_url)):
        clock = TickingClock()
        with open_ledger(url, clock=clock, anchors=None) as ledger:
            fill(ledger, clock)
            export_closed_days(ledger, tmp_path / str(number))
        found.append(files(tmp_path / str(number)))
    assert found[0] == found[1] != {}


def test_a_long_day_is_written_in_portions_and_read_back_whole(sqlite_url: str, folder: Path) -> None:
    clock = TickingClock()
    with open_ledger(sqlite_url, clock=clock, anchors=None) as ledger:
        ledger.append_all([entry(number) for number in range(9000)])
        clock.now = START + DAY
        (part,) = export_closed_days(ledger, folder)
        assert part.rows == 9000
        assert export_closed_days(ledger, folder) == []
    total = duckdb.sql(f"SELECT count(*), max(number), count(DISTINCT digest) FROM '{part.file}'").fetchall()
    assert total == [(9000, 9000, 9000)]


def test_what_a_clock_that_was_set_back_adds_to_a_closed_day_is_its_next_part(
    ledger: Ledger, clock: TickingClock, folder: Path
) -> None:
    fill(ledger, clock)
    export_closed_days(ledger, folder)
    before = files(folder)
    clock.now = START
    ledger.append(entry(5))
    clock.now = START + 5 * DAY
    (part,) = export_closed_days(ledger, folder)
    assert (part.file.name, part.rows) == ("part-00002.parquet", 1)
    assert before.items() < files(folder).items()
    assert export_closed_days(ledger, folder) == []


@pytest.mark.parametrize(
    "statement",
    [
        f"DELETE FROM revision WHERE stream = '{STREAM}' AND number >= 2",
        "DELETE FROM revision WHERE stream = 'baseline'",
    ],
)
def test_an_export_is_evidence_against_a_ledger_that_lost_something(
    ledger: Ledger, clock: TickingClock, url: str, folder: Path, statement: str
) -> None:
    fill(ledger, clock)
    export_closed_days(ledger, folder)
    before = files(folder)
    tamper(url, statement)
    with pytest.raises(LedgerDamaged, match="as it was, and the ledger does not"):
        export_closed_days(ledger, folder)
    assert files(folder) == before


def test_an_edited_revision_is_not_exported(ledger: Ledger, clock: TickingClock, url: str, folder: Path) -> None:
    fill(ledger, clock)
    tamper(url, "UPDATE revision SET body = '{}' WHERE number = 2")
    with pytest.raises(LedgerDamaged, match="is not what was recorded"):
        export_closed_days(ledger, folder)
    assert files(folder) == {}


def test_a_day_is_not_closed_while_somebody_still_records_on_it(url: str, folder: Path) -> None:
    """The writer has looked at its clock just before midnight, and commits after the export has begun."""
    looked, go_on = threading.Event(), threading.Event()
    midnight = datetime(2026, 4, 21, tzinfo=UTC)

    def slow_clock() -> datetime:
        looked.set()
        assert go_on.wait(30)
        return midnight - timedelta(microseconds=1)

    found: Queue[list[date]] = Queue()
    with (
        open_ledger(url, clock=slow_clock, anchors=None) as writer,
        open_ledger(url, clock=lambda: midnight, anchors=None) as exporter,
    ):
        writing = threading.Thread(target=lambda: writer.append(entry()))
        writing.start()
        assert looked.wait(30)
        exporting = threading.Thread(target=lambda: found.put(exporter.closed_days()))
        exporting.start()
        exporting.join(0.3)
        assert exporting.is_alive(), "it waits for the writer"
        go_on.set()
        writing.join(30)
        exporting.join(30)
    assert found.get(timeout=1) == [date(2026, 4, 20)]
