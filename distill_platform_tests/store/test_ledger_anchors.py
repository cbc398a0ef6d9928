"""Anchors: what was acknowledged is noted down outside the database, and the note itself cannot be changed unseen."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from distill_platform.core.errors import LedgerDamaged, LedgerUnavailable
from distill_platform.store.ledger import Flaw, Ledger, Verification, open_ledger, verify_ledger
from distill_platform.store.ledger.anchors import Anchors
from distill_platform.store.ledger.revision import Head
from distill_platform.testing.ledger_contract import STREAM, TickingClock, entry


@pytest.fixture
def reopen(sqlite_url: str, anchors: Path) -> Callable[..., Ledger]:
    def open_again(*, with_anchors: bool = True) -> Ledger:
        return open_ledger(sqlite_url, clock=TickingClock(), anchors=anchors if with_anchors else None)

    return open_again


def heads(file: Path) -> list[dict[str, list[object]]]:
    return [json.loads(line)["heads"] for line in file.read_text().splitlines()]


def verified(url: str, file: Path) -> Verification:
    return verify_ledger(url, anchors=file)


def test_every_transaction_leaves_one_line_with_the_heads_of_its_streams(opened: Ledger, anchors: Path) -> None:
    first = opened.append(entry(1))
    others = opened.append_all([entry(2), entry(3), entry(1, stream="baseline")])
    assert heads(anchors) == [
        {STREAM: [1, first.digest]},
        {STREAM: [3, others[1].digest], "baseline": [1, others[2].digest]},
    ]


def test_what_was_recorded_before_leaves_no_line(opened: Ledger, anchors: Path) -> None:
    opened.append_all([entry(1), entry(2)])
    before = anchors.read_bytes()
    opened.append_all([entry(2), entry(1)])
    assert anchors.read_bytes() == before


def test_what_a_dying_process_recorded_is_anchored_when_it_is_appended_again(
    reopen: Callable[..., Ledger], anchors: Path
) -> None:
    with reopen() as ledger:
        ledger.append(entry(1))
    with reopen(with_anchors=False) as ledger:  # recorded, and dead before it could anchor
        lost = ledger.append(entry(2))
    with reopen() as ledger:
        assert ledger.append(entry(2)) == lost
    assert heads(anchors)[-1] == {STREAM: [2, lost.digest]}


def test_a_ledger_that_gets_anchors_later_is_anchored_whole_by_its_next_revision(
    reopen: Callable[..., Ledger], anchors: Path
) -> None:
    with reopen(with_anchors=False) as ledger:
        ledger.append_all([entry(1), entry(1, stream="baseline")])
    with reopen() as ledger:
        assert [finding.flaw for finding in ledger.verify()] == [Flaw.ANCHORS]
        ledger.append(entry(2))
        assert ledger.verify() == []
    assert set(heads(anchors)[0]) == {STREAM, "baseline"}


def test_anchors_that_were_taken_away_are_noticed(
    sqlite_url: str, reopen: Callable[..., Ledger], anchors: Path
) -> None:
    with reopen() as ledger:
        ledger.append(entry(1))
    anchors.unlink()
    (finding,) = verified(sqlite_url, anchors).findings
    assert finding.message == "there are revisions, and not one anchor"
    assert not anchors.exists(), "verify makes nothing"


@pytest.mark.parametrize("rest", [b'{"at":"2026', b"{", b"\xff\xfe", b'{"digest":"0"}'])
def test_a_half_written_last_line_is_cut_off_by_the_next(
    sqlite_url: str, reopen: Callable[..., Ledger], anchors: Path, rest: bytes
) -> None:
    with reopen() as ledger:
        ledger.append(entry(1))
    whole = anchors.read_bytes()
    anchors.write_bytes(whole + rest)
    assert verified(sqlite_url, anchors).passed
    with reopen() as ledger:
        ledger.append(entry(2))
    assert anchors.read_bytes().startswith(whole + b'{"at"')
    assert verified(sqlite_url, anchors).passed


def changed_digit(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b'"number":2', b'"number":3'), lines[2]]


def changed_head(lines: list[bytes]) -> list[bytes]:
    document = json.loads(lines[1])
    document["heads"][STREAM][1] = "0" * 64
    return [lines[0], json.dumps(document).encode() + b"\n", lines[2]]


@pytest.mark.parametrize(
    "spoil",
    [
        changed_digit,
        changed_head,
        lambda lines: [lines[0], lines[2]],
        lambda lines: lines[1:],
        lambda lines: [lines[1], lines[0], lines[2]],
        lambda lines: [*lines, lines[2]],
        lambda lines: [lines[0], b"\n", *lines[1:]],
        lambda lines: [lines[0], b"null\n", *lines[1:]],
        lambda lines: [lines[0], b'{"heads":{"a":1},"digest":"","number":2,"prev":""}\n'],
        lambda lines: [b"\x00" * 100 + b"\n"],
    ],
)
def test_changed_lines_are_found_and_nothing_is_recorded_on_top_of_them(
    sqlite_url: str,
    reopen: Callable[..., Ledger],
    anchors: Path,
    spoil: Callable[[list[bytes]], list[bytes]],
) -> None:
    with reopen() as ledger:
        for number in (1, 2, 3):
            ledger.append(entry(number))
    anchors.write_bytes(b"".join(spoil(anchors.read_bytes().splitlines(keepends=True))))
    assert any(
        finding.flaw is Flaw.ANCHORS and "is not what was written" in finding.message
        for finding in verified(sqlite_url, anchors).findings
    )
    with reopen() as ledger:
        with pytest.raises(LedgerDamaged, match="is not what was written"):
            ledger.append(entry(4))
        assert len(ledger.read(STREAM)) == 3


def test_a_file_that_got_shorter_is_noticed_by_whoever_wrote_it(opened: Ledger, anchors: Path) -> None:
    opened.append_all([entry(1)])
    opened.append_all([entry(2)])
    lines = anchors.read_bytes().splitlines(keepends=True)
    anchors.write_bytes(lines[0])
    with pytest.raises(LedgerDamaged, match="is shorter than it was"):
        opened.append(entry(3))


def test_a_copy_elsewhere_shows_that_both_were_cut_off(
    sqlite_url: str, reopen: Callable[..., Ledger], anchors: Path, tmp_path: Path
) -> None:
    with reopen() as ledger:
        ledger.append(entry(1))
        ledger.append(entry(2))
        copy = Path(shutil.copy(anchors, tmp_path / "copy.jsonl"))
        copy.chmod(0o444)
        assert ledger.verify(copy) == []
    Path(sqlite_url.removeprefix("sqlite:///")).unlink()
    anchors.unlink()
    with reopen() as ledger:
        ledger.append(entry(1))
        assert ledger.verify() == []
        assert [finding.flaw for finding in ledger.verify(copy)] == [Flaw.CUT_OFF]


def test_several_ledgers_share_one_file(reopen: Callable[..., Ledger], sqlite_url: str, anchors: Path) -> None:
    with reopen() as first, reopen() as second:
        for number in range(10):
            (first if number % 2 else second).append(entry(number))
        assert first.append(entry(0)).number == 1
    assert len(heads(anchors)) == 10
    assert verified(sqlite_url, anchors).anchors == 10


def test_nothing_is_recorded_that_cannot_be_anchored(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with open_ledger(sqlite_url, clock=TickingClock(), anchors=tmp_path / "file" / "anchors.jsonl") as ledger:
        with pytest.raises(LedgerUnavailable, match="anchors"):
            ledger.append(entry(1))
        assert ledger.streams() == []


def test_two_different_digests_for_one_revision_are_a_finding(sqlite_url: str, anchors: Path) -> None:
    Anchors(anchors).add([Head(STREAM, 1, "1" * 64)], "2026-04-20T00:00:00.000000Z")
    Anchors(anchors).add([Head(STREAM, 1, "2" * 64)], "2026-04-20T00:00:00.000000Z")
    found = verified(sqlite_url, anchors).findings
    assert [finding.flaw for finding in found] == [Flaw.ANCHORS, Flaw.LOST_STREAM]
    assert found[0].message == "revision 1 was anchored twice, with different digests"


def test_a_long_line_is_read_back(anchors: Path) -> None:
    many = [Head(f"receipt/run-{number:06d}", 1, "1" * 64) for number in range(3000)]
    Anchors(anchors).add(many, "2026-04-20T00:00:00.000000Z")
    anchors.write_bytes(anchors.read_bytes() + b"x" * 200_000)
    Anchors(anchors).add([Head(STREAM, 1, "1" * 64)], "2026-04-20T00:00:00.000000Z")
    first, second = Anchors(anchors).lines()
    assert list(first.heads) == many
    assert second.number == 2
