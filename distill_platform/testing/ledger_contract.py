"""What every ledger must do, whatever database holds it.

Subclass `LedgerContract` and give it two fixtures: `ledger`, an open, empty ledger whose clock is the contract's own
fixture `clock`; and `sql`, a function that runs one statement on the ledger's database around this platform, with the
rights that the ledger itself has there, commits it, and raises when the database refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from distill_platform.core.errors import EntryRefused, LedgerConflict, LedgerError
from distill_platform.store.ledger import Entry, Ledger, Revision

Sql = Callable[[str], None]
STREAM = "trial/momentum"
START = datetime(2026, 4, 20, 12, tzinfo=UTC)
_GENESIS = "0" * 64
_BODIES: list[dict[str, Any]] = [
    {},
    {"b": 1, "a": [1.0, -0.0, 1e22, 1e-7, None, True, {"c": []}]},
    {"largest": 2**64 - 1, "lowest": -(2**63), "tiny": 5e-324},
    {"text": 'quote " backslash \\ newline \n zero \x00 snowman ☃ clef 𝄞'},
    {"": "", "nested": {"x": {"y": {"z": 0}}}},
]
_COLUMNS = "stream, number, key, kind, body, actor, recorded_at, prev, digest"
_FORBIDDEN = {
    "a change": "UPDATE revision SET body = '{}' WHERE number = 2",
    "a change of nothing": "UPDATE revision SET number = number",
    "a deletion": "DELETE FROM revision WHERE number = 3",
    "a deletion of everything": "DELETE FROM revision",
    "an upsert": f"INSERT INTO revision SELECT {_COLUMNS} FROM revision WHERE number = 1 "
    "ON CONFLICT (stream, number) DO UPDATE SET body = '{}'",
    "a number twice": f"INSERT INTO revision SELECT {_COLUMNS.replace(' key', ' digest')} FROM revision "
    "WHERE number = 3",
    "a number left out": "INSERT INTO revision SELECT stream, number + 2, 'new', kind, body, actor, recorded_at, "
    "digest, digest FROM revision WHERE number = 3",
    "a number below one": "INSERT INTO revision SELECT stream, 0, 'new', kind, body, actor, recorded_at, "
    "prev, digest FROM revision WHERE number = 1",
    "a first number that is not one": "INSERT INTO revision SELECT 'trial/new', 2, key, kind, body, actor, "
    "recorded_at, prev, digest FROM revision WHERE number = 1",
    "a link to something else": "INSERT INTO revision SELECT stream, number + 1, 'new', kind, body, actor, "
    "recorded_at, prev, digest FROM revision WHERE number = 3",
    "a key twice": "INSERT INTO revision SELECT stream, number + 1, 'k1', kind, body, actor, recorded_at, "
    "digest, digest FROM revision WHERE number = 3",
    "a key twice, skipped in silence": "INSERT INTO revision SELECT stream, number, key, kind, '{}', actor, "
    "recorded_at, prev, digest FROM revision WHERE number = 2 ON CONFLICT DO NOTHING",
}


class TickingClock:
    """A clock that moves on by one second whenever it is looked at; a test may set it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time, and move on."""
        now, self.now = self.now, self.now + timedelta(seconds=1)
        return now


def entry(number: int = 1, *, stream: str = STREAM, body: dict[str, Any] | None = None, kind: str = "trial") -> Entry:
    """Return an entry with the key `k<number>`."""
    return Entry(stream, f"k{number}", kind, {"n": number} if body is None else body, "tester")


class LedgerContract:
    """The contract; see the module's docstring for the fixtures that a subclass gives."""

    @pytest.fixture
    def clock(self) -> TickingClock:
        """Return the clock of the ledger under test."""
        return TickingClock()

    @pytest.fixture
    def three(self, ledger: Ledger) -> list[Revision]:
        """Return the three revisions that a test starts with."""
        return ledger.append_all([entry(1), entry(2), entry(3)])

    @pytest.mark.parametrize("body", _BODIES)
    def test_what_is_recorded_is_what_is_read(self, ledger: Ledger, body: dict[str, Any]) -> None:
        recorded = ledger.append(entry(body=body))
        assert recorded.body == body
        assert repr(recorded.body.get("a")) == repr(body.get("a"))
        assert ledger.read(STREAM) == [recorded]
        assert (recorded.stream, recorded.key, recorded.kind, recorded.actor) == (STREAM, "k1", "trial", "tester")

    def test_numbers_count_from_one_and_every_revision_is_chained_to_the_one_before(self, ledger: Ledger) -> None:
        recorded = [ledger.append(entry(number)) for number in range(1, 5)]
        assert [one.number for one in recorded] == [1, 2, 3, 4]
        assert [one.prev for one in recorded] == [_GENESIS, *(one.digest for one in recorded[:-1])]
        assert len({one.digest for one in recorded}) == 4

    def test_the_time_is_the_clock_s_in_utc_to_the_microsecond(self, ledger: Ledger, clock: TickingClock) -> None:
        clock.now = datetime(2026, 4, 20, 23, 30, 0, 7, tzinfo=timezone(timedelta(hours=-2)))
        recorded = ledger.append(entry())
        assert recorded.recorded_at == datetime(2026, 4, 21, 1, 30, 0, 7, tzinfo=UTC)
        assert recorded.moment == "2026-04-21T01:30:00.000007Z"

    def test_a_clock_without_a_zone_records_nothing(self, ledger: Ledger, clock: TickingClock) -> None:
        clock.now = datetime(2026, 4, 20)  # noqa: DTZ001 - that is the point
        with pytest.raises(LedgerError, match="without a zone"):
            ledger.append(entry())
        assert ledger.streams() == []

    def test_the_same_entry_again_is_the_old_revision(self, ledger: Ledger, three: list[Revision]) -> None:
        assert ledger.append(entry(2)) == three[1]
        assert ledger.append_all([entry(3), entry(1), entry(3)]) == [three[2], three[0], three[2]]
        assert ledger.read(STREAM) == three

    def test_another_body_or_kind_under_the_same_key_is_a_conflict(self, ledger: Ledger, three: list[Revision]) -> None:
        for other in (entry(2, body={"n": 2.0}), entry(2, kind="other")):
            with pytest.raises(LedgerConflict) as caught:
                ledger.append(other)
            assert (caught.value.stream, caught.value.key) == (STREAM, "k2")
        assert ledger.read(STREAM) == three

    def test_the_same_key_in_another_stream_is_another_revision(self, ledger: Ledger, three: list[Revision]) -> None:
        other = ledger.append(entry(2, stream="trial/other"))
        assert (other.number, other.prev) == (1, _GENESIS)
        assert other.digest != three[1].digest

    def test_a_key_twice_in_one_call_is_recorded_once(self, ledger: Ledger) -> None:
        first, second, again = ledger.append_all([entry(1), entry(2), entry(1)])
        assert first == again
        assert ledger.read(STREAM) == [first, second]

    def test_a_conflict_within_one_call_records_nothing(self, ledger: Ledger) -> None:
        with pytest.raises(LedgerConflict):
            ledger.append_all([entry(1), entry(2), entry(1, body={"n": "other"})])
        assert ledger.streams() == []

    def test_one_call_records_everything_or_nothing(self, ledger: Ledger, three: list[Revision]) -> None:
        fine = [entry(1, stream="receipt/r1"), entry(4), entry(1, stream="policy/world")]
        for bad in (entry(2, body={"n": "other"}), entry(9, stream="nowhere/x")):
            with pytest.raises(LedgerError):
                ledger.append_all([*fine, bad])
        assert ledger.streams() == [STREAM]
        assert ledger.read(STREAM) == three
        assert [one.number for one in ledger.append_all(fine)] == [1, 4, 1]

    def test_one_call_may_record_nothing(self, ledger: Ledger) -> None:
        assert ledger.append_all([]) == []

    def test_one_call_may_record_a_great_many(self, ledger: Ledger) -> None:
        many = [entry(number, stream=f"receipt/r{number % 300}") for number in range(1200)]
        recorded = ledger.append_all(many)
        assert [one.key for one in recorded] == [one.key for one in many]
        assert ledger.append_all(many) == recorded
        assert len(ledger.streams("receipt/")) == 300
        assert sum(head.number for head in ledger.heads()) == 1200

    def test_reading_goes_on_after_a_number(self, ledger: Ledger, three: list[Revision]) -> None:
        assert ledger.read(STREAM, after=0) == three
        assert ledger.read(STREAM, after=2) == three[2:]
        assert ledger.read(STREAM, after=3) == []
        assert ledger.read("trial/nothing") == []

    def test_the_latest_and_the_one_under_a_key_are_found(self, ledger: Ledger, three: list[Revision]) -> None:
        assert ledger.latest(STREAM) == three[2]
        assert ledger.find(STREAM, "k2") == three[1]
        assert ledger.latest("trial/nothing") is None
        assert ledger.find(STREAM, "k9") is None
        assert ledger.find("trial/nothing", "k1") is None

    def test_a_misspelt_stream_is_refused_by_readers_too(self, ledger: Ledger) -> None:
        for read in (ledger.read, ledger.latest, lambda stream: ledger.find(stream, "k1")):
            with pytest.raises(EntryRefused, match="is not a stream"):
                read("trail/momentum")

    def test_streams_are_listed_by_prefix(self, ledger: Ledger) -> None:
        names = ["trial/a_b", "trial/aXb", "trial/A", "receipt/r1", "baseline"]
        ledger.append_all([entry(stream=name) for name in names])
        assert ledger.streams() == sorted(names)
        assert ledger.streams("trial/") == ["trial/A", "trial/aXb", "trial/a_b"]
        assert ledger.streams("trial/a_") == ["trial/a_b"]
        assert ledger.streams("TRIAL") == []

    def test_the_latest_of_a_prefix_are_those_of_its_letters(self, ledger: Ledger) -> None:
        ledger.append_all([entry(1, stream="trial/a"), entry(2, stream="trial/a"), entry(1, stream="trial/A")])
        assert [(one.stream, one.number) for one in ledger.latest_of("trial/a")] == [("trial/a", 2)]
        assert [one.stream for one in ledger.latest_of("trial/")] == ["trial/A", "trial/a"]

    def test_the_heads_are_the_last_revisions(self, ledger: Ledger, three: list[Revision]) -> None:
        other = ledger.append(entry(stream="baseline"))
        assert ledger.heads() == [other.head, three[2].head]

    def test_a_whole_ledger_verifies(self, ledger: Ledger, three: list[Revision]) -> None:
        assert ledger.verify() == []

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), START, {1: 2}, {1, 2}, b"x", 2**64, "\ud800"])
    def test_a_body_that_json_cannot_hold_is_refused(self, ledger: Ledger, value: Any) -> None:
        with pytest.raises(EntryRefused):
            ledger.append(entry(body={"deep": [{"value": value}]}))
        assert ledger.streams() == []

    def test_closed_days_end_yesterday(self, ledger: Ledger, clock: TickingClock) -> None:
        first = ledger.append(entry(1))
        clock.now = START + timedelta(days=2)
        ledger.append(entry(2))
        assert ledger.closed_days() == [date(2026, 4, 20)]
        assert list(ledger.recorded_on(date(2026, 4, 20))) == [first]
        assert list(ledger.recorded_on(date(2026, 4, 21))) == []

    def test_threads_that_write_to_one_stream_leave_no_gap(self, ledger: Ledger) -> None:
        with ThreadPoolExecutor(4) as pool:
            recorded = list(pool.map(lambda number: ledger.append(entry(number)), range(40)))
        assert sorted(one.number for one in recorded) == list(range(1, 41))
        assert len(ledger.read(STREAM)) == 40
        assert ledger.verify() == []

    def test_threads_that_append_the_same_entry_record_it_once(self, ledger: Ledger) -> None:
        with ThreadPoolExecutor(4) as pool:
            recorded = list(pool.map(lambda _: ledger.append(entry(1)), range(20)))
        assert len(set(recorded)) == 1

    def test_threads_that_lock_the_same_streams_in_different_orders_do_not_wait_for_ever(self, ledger: Ledger) -> None:
        def both(number: int) -> list[Revision]:
            names = ["trial/a", "trial/b"] if number % 2 else ["trial/b", "trial/a"]
            return ledger.append_all([entry(number, stream=name) for name in names])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(both, range(40)))
        assert [head.number for head in ledger.heads()] == [40, 40]

    @pytest.mark.parametrize("what", _FORBIDDEN)
    def test_the_database_itself_refuses(self, ledger: Ledger, sql: Sql, three: list[Revision], what: str) -> None:
        with pytest.raises(Exception, match=r"ledger: |permission denied|duplicate key"):
            sql(_FORBIDDEN[what])
        assert ledger.read(STREAM) == three
        assert ledger.verify() == []
        assert ledger.append(entry(4)).number == 4
