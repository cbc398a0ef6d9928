"""Every attempt is a line that a crash cannot take others with, and a day of them says whether a feed is well."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from distill_platform.core import canon
from distill_platform.core.errors import ConfigError, LakeError
from distill_platform.feeds.attempts import Attempt, AttemptDay, AttemptOutcome
from distill_platform.feeds.health import breaches, feed_health
from distill_platform.feeds.settings import Slo
from distill_platform_tests.feeds.conftest import NOW, SmallFeed

TODAY = NOW.date()
NEW, UNCHANGED, EMPTY, RATE_LIMITED, UNAVAILABLE, REFUSED, GARBLED, HELD_BACK = AttemptOutcome
ONE = Attempt("news", "page", NEW and NOW, NEW, 1, 200, 0.25, 1000, 30.0)


def day(*outcomes: AttemptOutcome) -> AttemptDay:
    return AttemptDay(tuple(replace(ONE, outcome=outcome) for outcome in outcomes))


def broken(*outcomes: AttemptOutcome, lags: tuple[float, ...] = (10.0,)) -> list[str]:
    return breaches(feed_health("news", TODAY, day(*outcomes), lags), Slo())


# --- the book ---


def test_attempts_come_back_as_they_were_on_the_day_on_which_they_began(feed: SmallFeed) -> None:
    late = replace(ONE, at=NOW + timedelta(hours=11, minutes=59, seconds=59), status=None, lag_s=None)
    next_day = replace(ONE, at=NOW + timedelta(hours=12))
    for attempt in (ONE, late, next_day):
        feed.book.add(attempt)
    assert feed.book.day("news", TODAY) == AttemptDay((ONE, late))
    assert feed.book.day("news", date(2026, 4, 21)).attempts == (next_day,)
    assert feed.book.day("news", date(2026, 4, 22)) == AttemptDay()


def test_a_torn_line_is_skipped_and_counted_and_costs_no_other(feed: SmallFeed) -> None:
    feed.book.add(ONE)
    path = feed.folder / "attempts" / "news" / "2026-04-20.jsonl"
    path.write_bytes(path.read_bytes() + path.read_bytes()[:40])
    assert feed.book.day("news", TODAY) == AttemptDay((ONE,), 1)
    feed.book.add(ONE)
    assert feed.book.day("news", TODAY) == AttemptDay((ONE, ONE), 1)


@pytest.mark.parametrize("line", [b"{}", b"[]", b"\0\0\0", b'{"at":"2026-04-20T12:00:00Z","outcome":"fine"}', b"\xff"])
def test_a_line_that_says_nothing_of_an_attempt_is_counted(feed: SmallFeed, line: bytes) -> None:
    feed.book.add(ONE)
    path = feed.folder / "attempts" / "news" / "2026-04-20.jsonl"
    path.write_bytes(line + b"\n" + path.read_bytes())
    assert feed.book.day("news", TODAY) == AttemptDay((ONE,), 1)


@pytest.mark.parametrize(
    "lie",
    [{"latency_s": "x"}, {"latency_s": None}, {"latency_s": -5.0}, {"lag_s": "x"}, {"lag_s": -1.0}, {"bytes": "x"},
     {"number": {}}, {"status": "x"}, {"key": 5}, {"feed": "other"}, {"at": "2026-04-21T12:00:00Z"}],
    ids=str,
)  # fmt: skip
def test_a_line_whose_values_cannot_be_counted_is_counted_as_unreadable(
    feed: SmallFeed, lie: dict[str, object]
) -> None:
    feed.book.add(ONE)
    path = feed.folder / "attempts" / "news" / "2026-04-20.jsonl"
    line = canon.dumps(canon.parse(path.read_bytes()) | lie)
    path.write_bytes(line + b"\n" + path.read_bytes())
    noted = feed.book.day("news", TODAY)
    assert noted == AttemptDay((ONE,), 1)
    assert feed_health("news", TODAY, noted, [1.0]).latency_p95_s == 0.25


def test_many_threads_write_whole_lines(feed: SmallFeed) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: feed.book.add(replace(ONE, number=number)), range(100)))
    read = feed.book.day("news", TODAY)
    assert (sorted(one.number for one in read.attempts), read.unreadable) == (list(range(100)), 0)


@pytest.mark.parametrize("name", ["../news", "news/..", "", ".", "News", "a" * 65, "news\n"])
def test_no_name_of_a_feed_leads_out_of_its_folder(feed: SmallFeed, name: str) -> None:
    with pytest.raises(ConfigError, match="is not the name of a feed"):
        feed.book.add(replace(ONE, feed=name))
    with pytest.raises(ConfigError, match="is not the name of a feed"):
        feed.store.latest(name, "page")


def test_a_disk_that_refuses_is_an_error_of_ours(feed: SmallFeed) -> None:
    (feed.folder / "attempts").write_text("a file where a folder should be")
    with pytest.raises(LakeError, match="could not be written"):
        feed.book.add(ONE)


# --- health ---


def test_health_counts_each_attempt_once() -> None:
    health = feed_health("news", TODAY, day(*AttemptOutcome, NEW), [1.0, 2.0, 3.0])
    counted = (health.attempts, health.successes, health.failures, health.empty, health.rate_limited, health.held_back)
    assert counted == (8, 3, 4, 1, 1, 1)
    assert health.attempts == health.successes + health.failures + health.empty
    assert health.success_rate == 3 / 9
    assert (health.latency_p50_s, health.latency_p95_s, health.lag_p50_s) == (0.25, 0.25, 2.0)


def test_a_feed_that_gives_what_it_owes_has_no_breach() -> None:
    assert broken(*[UNCHANGED] * 18, NEW, EMPTY) == []


def test_a_day_without_attempts_is_unknown_and_that_is_a_breach() -> None:
    assert broken(lags=()) == ["Nobody asked news on 2026-04-20, so nothing is known of it."]


@pytest.mark.parametrize("outcome", [EMPTY, RATE_LIMITED, UNAVAILABLE, REFUSED, GARBLED, HELD_BACK])
def test_what_gave_no_data_is_no_success(outcome: AttemptOutcome) -> None:
    [sentence] = broken(*[UNCHANGED] * 9, outcome)
    assert sentence.startswith("Only 90.00% of 10 attempts gave data")


def test_a_feed_that_an_open_breaker_held_back_all_day_is_not_well() -> None:
    assert len(broken(*[HELD_BACK] * 5)) == 1


def test_records_that_come_late_are_a_breach() -> None:
    assert broken(NEW, lags=(10.0,) * 95 + (500.0,) * 5) == []
    [sentence] = broken(NEW, lags=(10.0,) * 90 + (500.0,) * 10)
    assert sentence == "95 % of records came within 500 s; 120 s are owed."


def test_new_data_of_which_nobody_knows_how_late_they_came_are_a_breach() -> None:
    assert broken(NEW, lags=()) == ["New data came 1 times, and nobody knows how late."]


@pytest.mark.parametrize("lag", [-1.0, math.nan, math.inf])
def test_a_lag_that_cannot_be_is_a_breach_and_in_no_percentile(lag: float) -> None:
    assert broken(NEW, lags=(10.0, lag)) == ["1 records came before they were published: a clock is wrong."]
    assert feed_health("news", TODAY, day(NEW), [10.0, lag]).lag_p95_s == 10.0


@given(st.lists(st.sampled_from(AttemptOutcome)), st.lists(st.floats()))
def test_law_a_failure_more_never_heals(outcomes: list[AttemptOutcome], lags: list[float]) -> None:
    before = broken(*outcomes, lags=tuple(lags))
    after = broken(*outcomes, UNAVAILABLE, lags=tuple(lags))
    assert len(after) >= len(before)
