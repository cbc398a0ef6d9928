"""Collecting: a day is made of what is kept; a source that fails is a failure and never an empty day."""

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.canon import sha256_hex
from distill_platform.core.errors import LakeError
from distill_platform.feeds.attempts import AttemptBook
from distill_platform.feeds.bodies import Bodies
from distill_platform.feeds.collecting import Collected, Fetch, ResourceOutcome, collect, read_stored
from distill_platform.feeds.connectors import connector_of
from distill_platform.feeds.events.event import RAW_EVENTS
from distill_platform.feeds.feed import FeedConfig
from distill_platform.feeds.fetching import open_fetch
from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.feeds.raw_store import RawStore, Snapshot
from distill_platform.feeds.rejected import REJECTED, Reason, rejected_table
from distill_platform.store.ledger import open_ledger
from distill_platform_tests.feeds.chaos_server import ChaosServer, cut_off, data, reset, status
from distill_platform_tests.feeds.conftest import QUICK, SetClock
from distill_platform_tests.feeds.connectors.bodies_of import as_json, declared, zipped
from distill_platform_tests.feeds.connectors.test_candles import candle
from distill_platform_tests.feeds.connectors.test_fred import observation
from distill_platform_tests.feeds.connectors.test_gdelt import article, line

DAY = date(2026, 4, 19)
SECRET = "abcdef0123456789"
SYMBOLS = {"BTC": "BTCUSDT", "ETH": "ETHUSDT"}
HEADER = "ts,open,high,low,close,volume\n"


@dataclass
class Desk:
    """One feed with its store, its ledger and its clock, all below one folder."""

    feed: FeedConfig
    folder: Path
    clock: SetClock

    @property
    def store(self) -> RawStore:
        return RawStore(self.folder / "raw")

    @property
    def book(self) -> AttemptBook:
        return AttemptBook(self.folder / "attempts")

    def bodies(self) -> Bodies:
        environment = {"FRED_API_KEY": SECRET}
        return Bodies(connector_of(self.feed, self.folder, environment), self.store)

    @contextmanager
    def fetching(self) -> Iterator[Fetch]:
        address = f"sqlite:///{self.folder / 'ledger.sqlite'}"
        with (
            open_ledger(address, clock=self.clock, anchors=None) as ledger,
            open_fetch(self.feed, self.store, self.book, ledger, self.clock) as fetch,
        ):
            yield fetch

    def collect(self, day: date = DAY) -> Collected:
        with self.fetching() as fetch:
            return checked(collect(self.bodies(), day, fetch))

    def stored(self, day: date = DAY) -> Collected:
        return checked(read_stored(self.bodies(), day))


def checked(day: Collected) -> Collected:
    """The same, after making sure that no row was lost and that the tables are what they say."""
    counts = day.counts
    assert counts.taken == day.bars.num_rows + day.raw_events.num_rows
    assert counts.rejected == len(day.rejected)
    assert counts.rows_in == sum(
        (counts.taken, counts.deduplicated, counts.rejected, counts.other_days, counts.off_topic)
    )
    assert day.bars.schema == MARKET_BARS
    assert day.raw_events.schema == RAW_EVENTS
    assert rejected_table(day.feed, day.rejected).schema == REJECTED
    return day


@pytest.fixture
def desk(tmp_path: Path, clock: SetClock) -> Any:
    return lambda connector, **changes: Desk(declared(connector, **(QUICK | changes)), tmp_path, clock)


def outcomes(day: Collected) -> dict[str, str]:
    return {state.key: str(state.outcome) for state in day.resources}


def hours(*which: int, **changes: Any) -> bytes:
    return as_json([candle(hour, **changes) for hour in which])


def candles(desk: Any, server: ChaosServer, **changes: Any) -> Desk:
    base = server.url("/")
    made: Desk = desk("candles", interval="1h", symbols={"BTC": "BTCUSDT"}, base_url=base, path="/klines", **changes)
    return made


def test_a_day_of_candles_is_fetched_once_and_read_again_without_asking(desk: Any, server: ChaosServer) -> None:
    server.script("/klines", data(hours(*range(24))))
    own = candles(desk, server)
    day = own.collect()
    assert (day.bars.num_rows, day.gaps, day.failed) == (24, (), ())
    assert day.bars["ts_end"][-1].as_py() == datetime(2026, 4, 20, tzinfo=UTC)
    again = own.stored()
    assert again.bars.equals(day.bars)
    assert outcomes(again) == {"BTC/1h/2026-04-19/0": "kept"}
    assert len(server.requests("/klines")) == 1


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (status(404), ResourceOutcome.FAILED),
        (status(503), ResourceOutcome.FAILED),
        (reset, ResourceOutcome.FAILED),
        (cut_off(hours(1), 10_000), ResourceOutcome.FAILED),
        (data(b'{"msg": "maintenance"}'), ResourceOutcome.UNREADABLE),
        (data(b"<html>"), ResourceOutcome.UNREADABLE),
        (data(b""), ResourceOutcome.EMPTY),
    ],
)
def test_a_source_that_fails_is_a_failure_and_an_empty_answer_is_not(
    desk: Any, server: ChaosServer, step: Any, expected: ResourceOutcome
) -> None:
    server.script("/klines", step)
    day = candles(desk, server).collect()
    (state,) = day.resources
    assert (state.outcome, state.is_failure) == (expected, expected is not ResourceOutcome.EMPTY)
    assert bool(state.detail) is state.is_failure
    assert (day.bars.num_rows, sum(gap.missing for gap in day.gaps)) == (0, 24)


def test_one_resource_that_fails_stops_no_other(desk: Any, server: ChaosServer) -> None:
    server.script("/klines", status(404), data(hours(*range(24))))
    own = desk("candles", interval="1h", symbols=SYMBOLS, base_url=server.url("/"), path="/klines")
    day = own.collect()
    assert [state.key for state in day.failed] == ["BTC/1h/2026-04-19/0"]
    assert set(day.bars["symbol"].to_pylist()) == {"ETH"}


def test_a_breaker_that_opens_holds_the_others_back_and_says_so(desk: Any, server: ChaosServer) -> None:
    server.script("/klines", status(503))
    symbols = {f"S{number}": f"s{number}" for number in range(5)}
    day = desk("candles", interval="1h", symbols=symbols, base_url=server.url("/"), path="/klines").collect()
    assert Counter(state.outcome for state in day.failed) == {ResourceOutcome.FAILED: 3, ResourceOutcome.HELD_BACK: 2}


def test_a_failure_takes_nothing_away_that_is_kept(desk: Any, server: ChaosServer) -> None:
    server.script("/klines", data(hours(1, 2)), status(404))
    own = candles(desk, server)
    assert own.collect().bars.num_rows == 2
    day = own.collect()
    assert (day.bars.num_rows, len(day.failed)) == (2, 1)


def test_later_versions_of_a_page_add_bars_and_repeat_none(desk: Any, server: ChaosServer, clock: SetClock) -> None:
    server.script("/klines", data(hours(1, 2)), data(hours(1, 2, 3)), data(hours(1, 2, 3)))
    own = candles(desk, server)
    counts = [own.collect().counts for _ in range(3)]
    assert [(one.taken, one.deduplicated) for one in counts] == [(2, 0), (3, 2), (3, 2)]


def test_bars_that_contradict_each_other_are_all_rejected(desk: Any, server: ChaosServer) -> None:
    server.script("/klines", data(hours(1, 2)), data(hours(2, close="11.5")))
    own = candles(desk, server)
    own.collect()
    day = own.collect()
    assert [bar["ts_end"].hour for bar in day.bars.to_pylist()] == [2]
    assert [row.reason for row in day.rejected] == [Reason.CONFLICTING_BARS] * 2
    assert len({row.raw_sha256 for row in day.rejected}) == 2


def test_bars_that_should_not_be_there_yet_are_no_gap(desk: Any, server: ChaosServer, clock: SetClock) -> None:
    clock.now = datetime(2026, 4, 19, 3, 30, tzinfo=UTC)
    server.script("/klines", data(hours(0, 2, 3)))
    own = candles(desk, server)
    day = own.collect()
    assert sum(gap.missing for gap in day.gaps) == 22
    early = read_stored(own.bodies(), DAY, as_of=clock())
    assert [(gap.start.hour, gap.missing) for gap in early.gaps] == [(2, 1)]
    assert day.stale == 0
    assert [row.reason for row in day.rejected] == [Reason.UNFINISHED_BAR]
    assert day.lags_s.tolist() == [1_800.0, 9_000.0]


def test_gdelt_is_searched_only_where_its_bulk_file_is_missing(desk: Any, server: ChaosServer) -> None:
    for batch in range(96):
        moment = datetime(2026, 4, 19, tzinfo=UTC) + batch * timedelta(minutes=15)
        stamp = moment.strftime("%Y%m%d%H%M%S")
        content = zipped((f"{stamp}.gkg.csv", line(stamp=stamp, title=f"bitcoin {batch}").encode()))
        server.script(f"/bulk/{stamp}.gkg.csv.zip", data(content))
    server.script("/bulk/20260419101500.gkg.csv.zip", status(404))
    server.script("/bulk/20260419103000.gkg.csv.zip", data(b"PK no zip"))
    server.script("/doc", data(as_json({"articles": [article()]})), status(404))
    own = desk("gdelt", words=["bitcoin"], base_url=server.url("/bulk"), api_url=server.url("/doc"))
    day = own.collect()
    assert day.raw_events.num_rows == 95
    assert len(server.requests("/doc")) == 2
    assert [state.key for state in day.failed] == ["gkg/20260419103000", "doc/20260419103000"]
    assert own.stored().raw_events.equals(day.raw_events)


def test_a_search_that_gives_as_many_as_it_ever_does_leaves_its_file_missing(desk: Any, server: ChaosServer) -> None:
    quarters = {f"gkg/20260419{hour:02d}{minute:02d}00" for hour in range(24) for minute in (0, 15, 30, 45)}
    server.script("/doc", data(as_json({"articles": [article(title=f"bitcoin {one}") for one in range(250)]})))
    own = desk("gdelt", words=["bitcoin"], base_url=server.url("/bulk"), api_url=server.url("/doc"))
    day = own.collect()
    assert {state.key for state in day.failed} == quarters
    assert day.raw_events.num_rows > 0


def test_fred_is_asked_for_new_and_revised_values_and_the_others_are_of_other_days(
    desk: Any, server: ChaosServer
) -> None:
    new, known = observation(vintage="2026-04-18"), observation(day="2025-11-01", vintage="2026-04-17")
    body = as_json({"count": 3, "observations": [new, known, observation(value=".", vintage="2026-04-18")]})
    server.script("/series/observations", data(body))
    day = desk("fred", series=["CPI"], api_key_env="FRED_API_KEY", base_url=server.url("/")).collect()
    assert (day.counts.taken, day.counts.other_days, day.counts.rejected) == (1, 1, 1)
    assert day.raw_events["available_at"].to_pylist() == [datetime(2026, 4, 19, 5, tzinfo=UTC)]


def test_a_secret_that_is_not_set_is_a_failure_and_nobody_is_asked(desk: Any, server: ChaosServer) -> None:
    day = desk("fred", series=["CPI"], api_key_env="NO_SUCH", base_url=server.url("/")).collect()
    assert "NO_SUCH" in day.failed[0].detail
    assert not server.requests("/series/observations")


def test_a_secret_is_in_nothing_that_is_kept_or_said(desk: Any, server: ChaosServer) -> None:
    answer = as_json({"count": 1, "observations": [observation(vintage="2026-04-18")]})
    server.script("/series/observations", data(answer), status(403))
    own = desk("fred", series=["CPI"], api_key_env="FRED_API_KEY", base_url=server.url("/"))
    days = [own.collect(), own.collect()]
    assert "answers 403" in days[1].failed[0].detail
    assert SECRET not in repr(days)
    kept = [file for file in own.folder.rglob("*") if file.is_file()]
    assert kept
    assert not [file for file in kept if SECRET.encode() in file.read_bytes()]


def rss(*items: tuple[str, str]) -> bytes:
    said = "".join(f"<item><title>{title}</title><pubDate>{time}</pubDate></item>" for title, time in items)
    return f"<rss><channel>{said}</channel></rss>".encode()


def test_what_an_rss_document_showed_once_stays_and_is_there_once(desk: Any, server: ChaosServer) -> None:
    first, second = ("A", "2026-04-19T10:00:00Z"), ("B", "2026-04-19T11:00:00Z")
    other_day, undated = ("C", "2026-04-18T10:00:00Z"), ("D", "")
    server.script("/rss", data(rss(first, other_day, undated)), data(rss(second, first)))
    own = desk("rss", urls=[server.url("/rss")])
    own.clock.now = datetime(2026, 4, 19, 10, 30, tzinfo=UTC)
    own.collect()
    own.clock.advance(3600.0)
    day = own.collect()
    assert day.raw_events["title"].to_pylist() == ["A", "B"]
    assert day.raw_events["available_at"].to_pylist() == day.raw_events["published_at"].to_pylist()
    assert (day.counts.deduplicated, day.counts.other_days) == (1, 1)
    assert [row.reason for row in day.rejected] == [Reason.MISSING_TIME]


def test_an_item_that_was_dated_back_was_not_there_before_it_was_shown(desk: Any, server: ChaosServer) -> None:
    first, late = ("A", "2026-04-19T10:00:00Z"), ("B", "2026-04-19T09:00:00Z")
    server.script("/rss", data(rss(first)), data(rss(first, late)), data(rss(late, first)))
    own = desk("rss", urls=[server.url("/rss")], delay_s=60.0)
    own.clock.now = datetime(2026, 4, 19, 10, 30, tzinfo=UTC)
    own.collect()
    own.clock.advance(3600.0)
    for _ in range(2):
        day = checked(own.collect())
        assert day.raw_events["title"].to_pylist() == ["A", "B"]
        known = [datetime(2026, 4, 19, 10, 1, tzinfo=UTC), datetime(2026, 4, 19, 11, 31, tzinfo=UTC)]
        assert day.raw_events["available_at"].to_pylist() == known
        own.clock.advance(3600.0)


def test_an_item_that_is_dated_back_days_later_is_in_no_past_day(desk: Any, server: ChaosServer) -> None:
    first, late = ("A", "2026-04-19T10:00:00Z"), ("B", "2026-04-19T09:00:00Z")
    server.script("/rss", data(rss(first)), data(rss(first, late)))
    own = desk("rss", urls=[server.url("/rss")])
    own.clock.now = datetime(2026, 4, 19, 10, 30, tzinfo=UTC)
    own.collect()
    own.clock.advance(5 * 86_400.0)
    day = checked(own.collect())
    assert day.raw_events["title"].to_pylist() == ["A"]
    assert day.counts.other_days == 1


def test_a_delay_moves_a_report_to_the_day_on_which_it_may_be_used(desk: Any, server: ChaosServer) -> None:
    server.script("/rss", data(rss(("A", "2026-04-18T23:59:30Z"), ("B", "2026-04-19T23:59:30Z"))))
    day = desk("rss", urls=[server.url("/rss")], delay_s=60.0).collect()
    assert day.raw_events["title"].to_pylist() == ["A"]


BARS = {"interval": "1h", "stamp": "end", "symbols": {"BTC": "btc", "ETH": "eth"}}


def written(folder: Path, name: str, *rows: str) -> None:
    (folder / name).write_text(HEADER + "".join(f"{row},10,12,9,11,5\n" for row in rows))


def test_a_file_is_read_once_for_all_days_and_its_bytes_are_kept(desk: Any, tmp_path: Path, clock: SetClock) -> None:
    written(tmp_path, "btc.csv", "2026-04-18T01:00:00Z", "2026-04-19T00:00:00Z", "2026-04-19T01:00:00Z", "x")
    own = desk("files", path="{symbol}.csv", bars=BARS)
    bodies = own.bodies()
    with own.fetching() as fetch:
        days = [checked(collect(bodies, DAY + timedelta(days=offset), fetch)) for offset in (-1, 0, 1)]
    assert [day.bars.num_rows for day in days] == [2, 1, 0]
    assert [len(day.rejected) for day in days] == [0, 1, 0]
    assert [state.key for state in days[0].failed] == ["ETH/{symbol}.csv".replace("{symbol}", "eth")]
    assert len(own.book.day("news", clock().date()).attempts) == 2
    (tmp_path / "btc.csv").unlink()
    assert own.stored().bars.equals(days[1].bars)


def test_a_file_that_was_corrected_says_only_what_it_says_now(desk: Any, tmp_path: Path) -> None:
    own = desk("files", path="{symbol}.csv", bars=BARS | {"symbols": {"BTC": "btc"}})
    written(tmp_path, "btc.csv", "2026-04-19T01:00:00Z", "2026-04-19T02:00:00Z")
    assert own.collect().bars.num_rows == 2
    written(tmp_path, "btc.csv", "2026-04-19T02:00:00Z")
    day = own.collect()
    assert (day.bars.num_rows, day.counts.deduplicated, outcomes(day)) == (1, 0, {"BTC/btc.csv": "new"})


def test_a_file_that_is_too_large_or_empty_is_said_to_be(desk: Any, tmp_path: Path) -> None:
    own = desk("files", path="{symbol}.csv", bars=BARS, max_bytes=100)
    written(tmp_path, "btc.csv", *["2026-04-19T01:00:00Z"] * 5)
    (tmp_path / "eth.csv").write_text(" \n")
    day = own.collect()
    assert outcomes(day) == {"BTC/btc.csv": "failed", "ETH/eth.csv": "empty"}
    assert "larger than 100 bytes" in day.failed[0].detail


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_file_that_never_ends_or_is_none_is_a_failure_and_holds_nobody(desk: Any, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "btc.csv"
    {
        "pipe": lambda: os.mkfifo(file),
        "device": lambda: file.symlink_to("/dev/zero"),
        "folder": lambda: file.mkdir(),
    }[kind]()
    own = desk("files", path="{symbol}.csv", bars=BARS | {"symbols": {"BTC": "btc"}}, max_bytes=100)
    assert "no ordinary file" in own.collect().failed[0].detail


def test_a_file_that_is_empty_after_it_held_something_is_a_failure(desk: Any, tmp_path: Path) -> None:
    own = desk("files", path="{symbol}.csv", bars=BARS | {"symbols": {"BTC": "btc"}})
    written(tmp_path, "btc.csv", "2026-04-19T01:00:00Z")
    own.collect()
    (tmp_path / "btc.csv").write_text("")
    day = own.collect()
    assert (day.bars.num_rows, outcomes(day)) == (1, {"BTC/btc.csv": "failed"})
    assert "is empty, and held something before" in day.failed[0].detail


def test_bytes_that_come_back_after_others_are_the_same_rows_as_before(desk: Any, server: ChaosServer) -> None:
    ahead = rss(("A", "2026-04-20T12:30:00Z"), ("B", "2026-04-20T10:00:00Z"))
    server.script("/rss", data(ahead), data(rss(("B", "2026-04-20T10:00:00Z"))), data(ahead))
    own = desk("rss", urls=[server.url("/rss")])
    seen = []
    for _ in range(3):
        seen.append(own.collect(date(2026, 4, 20)))
        own.clock.advance(3600.0)
    assert [day.raw_events["title"].to_pylist() for day in seen] == [["B"]] * 3
    assert [len(day.rejected) for day in seen] == [1, 1, 1]


def test_more_files_than_are_usually_kept_are_still_read_once_for_all_days(desk: Any, tmp_path: Path) -> None:
    names = [f"S{number}" for number in range(80)]
    for name in names:
        written(tmp_path, f"{name}.csv", "2026-04-19T01:00:00Z", "2026-04-18T01:00:00Z")
    own = desk("files", path="{symbol}.csv", bars=BARS | {"symbols": {name: name for name in names}})
    bodies = own.bodies()
    with own.fetching() as fetch:
        first, second = (collect(bodies, day, fetch) for day in (DAY, date(2026, 4, 18)))
    assert first.bars.num_rows == second.bars.num_rows == 80
    shutil.rmtree(own.folder / "raw" / "news" / "bytes")
    assert read_stored(bodies, DAY).bars.num_rows == 80


def test_equal_rows_of_a_file_are_one_bar_and_different_ones_none(desk: Any, tmp_path: Path) -> None:
    rows = ["2026-04-19T01:00:00Z,10,12,9,11,5"] * 2 + [f"2026-04-19T02:00:00Z,10,12,9,11,{v}" for v in (5, 6, 5)]
    (tmp_path / "btc.csv").write_text(HEADER + "\n".join(rows))
    day = desk("files", path="{symbol}.csv", bars=BARS | {"symbols": {"BTC": "btc"}}).collect()
    assert (day.counts.taken, day.counts.deduplicated, day.counts.rejected) == (1, 1, 3)
    assert [row.place for row in day.rejected] == ["line 4", "line 5", "line 6"]


@given(st.permutations(range(4)), st.randoms(use_true_random=False))
def test_the_order_of_fetching_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], dice: random.Random
) -> None:
    pages = {
        name: hours(*range(24), close=close) for name, close in zip("ABCD", ("10", "11", "11.5", "12"), strict=True)
    }
    feed = declared("candles", interval="1h", symbols={name: name for name in pages})
    made = []
    for names in (sorted(pages), [sorted(pages)[place] for place in order]):
        desk = Desk(feed, tmp_path_factory.mktemp("order"), SetClock())
        for name in names:
            keep(desk, f"{name}/1h/{DAY}/0", pages[name])
        made.append(desk.stored())
    assert made[0].bars.equals(made[1].bars)
    assert made[0].counts == made[1].counts


def keep(desk: Desk, key: str, body: bytes) -> None:
    snapshot = Snapshot("news", key, "https://a.b", sha256_hex(body), len(body), "", "", "", desk.clock())
    desk.store.keep(snapshot, body)


def test_what_is_no_failure_of_a_feed_is_not_taken_for_one(desk: Any, server: ChaosServer) -> None:
    def broken_disk(_: Any) -> Any:
        raise LakeError("the disk is full")

    with pytest.raises(LakeError):
        collect(candles(desk, server).bodies(), DAY, broken_disk)
