"""What is done to the database around the ledger is found, by every reader and by verify."""

from pathlib import Path

import pytest

from distill_platform.core.errors import LedgerDamaged
from distill_platform.store.ledger import Flaw, Ledger, Revision, open_ledger, verify_ledger
from distill_platform.store.ledger.revision import digest_of
from distill_platform.testing.ledger_contract import STREAM, TickingClock, entry
from distill_platform_tests.store.tampering import execute, file_of, tamper

OTHER = "receipt/r1"
WHERE = f"WHERE stream = '{STREAM}' AND number"
EDITS = {
    "body": "'{\"n\":9}'",
    "kind": "'other'",
    "key": "'other'",
    "actor": "'somebody'",
    "recorded_at": "'2026-04-20T12:00:09.000000Z'",
    "prev": f"'{'1' * 64}'",
    "digest": f"'{'1' * 64}'",
}


@pytest.fixture
def three(opened: Ledger) -> list[Revision]:
    opened.append(entry(stream=OTHER))
    return [opened.append(entry(number)) for number in (1, 2, 3)]


def flaws(url: str, anchors: Path | None) -> list[tuple[str, str, int]]:
    found = verify_ledger(url, anchors=anchors).findings
    return [(finding.flaw.value, finding.stream, finding.number) for finding in found]


def rewritten(chain: list[Revision], number: int, text: str) -> list[str]:
    """Statements that change one body and write every digest from there on anew: a perfect chain again."""
    prev, statements = chain[number - 2].digest, []
    for one in chain[number - 1 :]:
        body = text if one.number == number else one.text
        digest = digest_of(one.stream, one.number, one.key, one.kind, body, one.actor, one.moment, prev)
        fields = f"body = '{body}', prev = '{prev}', digest = '{digest}'"
        statements.append(f"UPDATE revision SET {fields} {WHERE} = {one.number}")
        prev = digest
    return statements


@pytest.mark.parametrize("column", EDITS)
def test_an_edited_field_is_found(url: str, anchors: Path, opened: Ledger, three: list[Revision], column: str) -> None:
    tamper(url, f"UPDATE revision SET {column} = {EDITS[column]} {WHERE} = 2")
    assert ("changed", STREAM, 2) in flaws(url, anchors)
    for read in (lambda: opened.read(STREAM), lambda: opened.read(STREAM, after=1)):
        with pytest.raises(LedgerDamaged, match=f"revision 2 of {STREAM} is not what was recorded"):
            read()


@pytest.mark.parametrize("column", EDITS)
def test_nothing_is_chained_to_an_edited_head(url: str, opened: Ledger, three: list[Revision], column: str) -> None:
    tamper(url, f"UPDATE revision SET {column} = {EDITS[column]} {WHERE} = 3")
    for use in (lambda: opened.append(entry(4)), lambda: opened.latest(STREAM)):
        with pytest.raises(LedgerDamaged, match="revision 3"):
            use()


def test_a_revision_moved_to_another_stream_is_found(url: str, anchors: Path, three: list[Revision]) -> None:
    tamper(url, f"UPDATE revision SET stream = '{OTHER}', number = 2, key = 'k2' {WHERE} = 3")
    assert flaws(url, anchors) == [("broken_link", OTHER, 2), ("changed", OTHER, 2), ("cut_off", STREAM, 3)]


def test_a_deleted_revision_is_found(url: str, anchors: Path, opened: Ledger, three: list[Revision]) -> None:
    tamper(url, f"DELETE FROM revision {WHERE} = 2")
    assert flaws(url, anchors) == [("missing", STREAM, 2), ("cut_off", STREAM, 2)]
    with pytest.raises(LedgerDamaged, match=r"revision 3 of .* does not follow revision 1"):
        opened.read(STREAM)


def test_a_deletion_that_was_closed_up_is_found(url: str, anchors: Path, three: list[Revision]) -> None:
    tamper(url, f"DELETE FROM revision {WHERE} = 2", f"UPDATE revision SET number = 2 {WHERE} = 3")
    assert {flaw for flaw, _, _ in flaws(url, anchors)} == {"broken_link", "changed", "other_head", "cut_off"}


def test_a_cut_off_end_is_found_by_the_anchors_alone(url: str, anchors: Path, three: list[Revision]) -> None:
    tamper(url, f"DELETE FROM revision {WHERE} >= 2")
    assert flaws(url, anchors) == [("cut_off", STREAM, 2)]
    assert flaws(url, None) == []


def test_a_lost_stream_is_found_by_the_anchors_alone(url: str, anchors: Path, three: list[Revision]) -> None:
    tamper(url, f"DELETE FROM revision WHERE stream = '{OTHER}'")
    assert flaws(url, anchors) == [("lost_stream", OTHER, 1)]
    assert flaws(url, None) == []


def test_a_chain_that_was_written_anew_is_found_by_the_anchors_alone(
    url: str, anchors: Path, three: list[Revision]
) -> None:
    tamper(url, *rewritten(three, 2, '{"n":9}'))
    assert flaws(url, anchors) == [("other_head", STREAM, 2), ("other_head", STREAM, 3)]
    assert flaws(url, None) == []


def test_a_forged_chain_whose_bodies_are_not_canonical_is_found(url: str, three: list[Revision]) -> None:
    tamper(url, *rewritten(three, 2, '{"n": 9}'))
    assert flaws(url, None) == [("not_canonical", STREAM, 2)]


def test_a_ledger_that_was_taken_away_whole_is_found(url: str, anchors: Path, three: list[Revision]) -> None:
    if url.startswith("sqlite"):
        Path(file_of(url)).unlink()
    else:
        execute(url, "DROP SCHEMA distill_ledger CASCADE")
    assert flaws(url, anchors) == [("lost_stream", OTHER, 1), ("lost_stream", STREAM, 1)]
    assert not url.startswith("sqlite") or not Path(file_of(url)).exists(), "verify makes nothing"


def test_verify_goes_on_after_what_it_found(url: str, anchors: Path, three: list[Revision]) -> None:
    tamper(url, f"UPDATE revision SET body = '{{}}' {WHERE} IN (1, 3)", "UPDATE revision SET actor = 'x'")
    found = verify_ledger(url, anchors=anchors)
    assert (found.streams, found.revisions, found.anchors) == (2, 4, 4)
    assert [finding.flaw for finding in found.findings] == [Flaw.CHANGED] * 4


def test_bytes_changed_in_the_file_of_sqlite_are_found(sqlite_url: str, anchors: Path) -> None:
    with open_ledger(sqlite_url, clock=TickingClock(), anchors=anchors) as ledger:
        ledger.append_all([entry(number, body={"word": f"value-{number}"}) for number in (1, 2, 3)])
    file = Path(file_of(sqlite_url))
    assert file.read_bytes().count(b"value-2") == 1
    file.write_bytes(file.read_bytes().replace(b"value-2", b"value-9"))
    assert flaws(sqlite_url, anchors) == [("changed", STREAM, 2)]


def test_text_that_is_no_text_any_more_is_found(sqlite_url: str, anchors: Path) -> None:
    with open_ledger(sqlite_url, clock=TickingClock(), anchors=anchors) as ledger:
        ledger.append(entry(body={"word": "value"}))
    file = Path(file_of(sqlite_url))
    file.write_bytes(file.read_bytes().replace(b"value", b"val\xff\xff"))
    assert flaws(sqlite_url, anchors) == [("database", "", 0)]


@pytest.mark.parametrize("content", [b"no database at all" * 100, None])
def test_a_file_that_is_no_database_any_more_is_found(sqlite_url: str, anchors: Path, content: bytes | None) -> None:
    with open_ledger(sqlite_url, clock=TickingClock(), anchors=anchors) as ledger:
        ledger.append_all([entry(number) for number in range(200)])
    file = Path(file_of(sqlite_url))
    whole = file.read_bytes()
    file.write_bytes(content or whole[: len(whole) // 2])
    assert verify_ledger(sqlite_url, anchors=anchors).findings[0].flaw in (Flaw.DATABASE, Flaw.UNGUARDED)
    with pytest.raises(LedgerDamaged), open_ledger(sqlite_url, clock=TickingClock(), anchors=anchors) as ledger:
        ledger.read(STREAM)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO revision SELECT stream, number, key, kind, '{}', actor, recorded_at, prev, digest "
        "FROM revision WHERE number = 1",
        "REPLACE INTO revision SELECT stream, 4, 'k1', kind, '{}', actor, recorded_at, digest, digest "
        "FROM revision WHERE number = 3",
        "INSERT OR REPLACE INTO revision (rowid, stream) VALUES (1, 'trial/x')",
        "INSERT OR IGNORE INTO revision SELECT stream, 9, 'new', kind, '{}', actor, recorded_at, prev, digest "
        "FROM revision WHERE number = 1",
        "UPDATE OR REPLACE revision SET number = 1",
        "UPDATE OR IGNORE revision SET body = '{}'",
    ],
)
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_sqlite_refuses_its_own_ways_of_replacing(sqlite_url: str, statement: str, recursive: str) -> None:
    with open_ledger(sqlite_url, clock=TickingClock(), anchors=None) as ledger:
        three = ledger.append_all([entry(number) for number in (1, 2, 3)])
        with pytest.raises(Exception, match=r"ledger: |no column named rowid"):
            execute(sqlite_url, f"PRAGMA recursive_triggers = {recursive}", statement)
        assert ledger.read(STREAM) == three


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE revision",
        "MERGE INTO revision r USING revision s ON r.number = s.number WHEN MATCHED THEN DELETE",
        "WITH gone AS (DELETE FROM revision RETURNING 1) SELECT count(*) FROM gone",
    ],
)
@pytest.mark.parametrize("setting", ["SET ROLE distill_ledger_writer", "SET session_replication_role = replica"])
def test_postgres_refuses_its_own_ways_of_deleting(postgres_url: str, statement: str, setting: str) -> None:
    with open_ledger(postgres_url, clock=TickingClock(), anchors=None) as ledger:
        three = ledger.append_all([entry(number) for number in (1, 2, 3)])
        with pytest.raises(Exception, match=r"ledger: |permission denied"):
            execute(postgres_url, setting, statement)
        assert ledger.read(STREAM) == three


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER revision_stays ON revision",
        "ALTER TABLE revision DISABLE TRIGGER ALL",
        "DROP TABLE revision",
        "ALTER TABLE revision ADD COLUMN extra text",
        "CREATE OR REPLACE FUNCTION revision_stays() RETURNS trigger LANGUAGE sql AS ''",
        "CREATE TABLE distill_ledger.other (x int)",
        "UPDATE ledger_version SET version_num = '0'",
        "SET session_replication_role = replica",
    ],
)
def test_the_role_that_writes_to_postgres_cannot_take_the_guards_down(postgres_url: str, statement: str) -> None:
    with open_ledger(postgres_url, clock=TickingClock(), anchors=None) as ledger:
        with pytest.raises(Exception, match=r"must be owner|permission denied"):
            execute(postgres_url, "SET ROLE distill_ledger_writer", statement)
        assert ledger.verify() == []


def test_a_temporary_table_cannot_stand_in_for_the_real_one(postgres_url: str) -> None:
    with open_ledger(postgres_url, clock=TickingClock(), anchors=None) as ledger:
        ledger.append(entry())
        forged = f"'{STREAM}', 1, 'k9', 'trial', '{{}}', 'x', 'y', '{'0' * 64}', 'z'"
        with pytest.raises(Exception, match="ledger: the number does not follow"):
            execute(
                postgres_url,
                "SET ROLE distill_ledger_writer",
                "CREATE TEMPORARY TABLE revision (LIKE distill_ledger.revision)",
                f"INSERT INTO distill_ledger.revision VALUES ({forged})",
            )
