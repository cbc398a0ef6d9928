"""A resource's bytes come whole, are kept once, and are ingested once however often they are asked for."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from distill_platform.core.errors import ConfigError, FeedGarbled
from distill_platform.feeds.attempts import AttemptOutcome
from distill_platform.feeds.http.fetching import FetchOutcome
from distill_platform.feeds.http.resource import Resource
from distill_platform_tests.feeds.chaos_server import ChaosServer, data, status
from distill_platform_tests.feeds.conftest import NOW, SmallFeed

NEW, UNCHANGED, EMPTY = FetchOutcome
SECOND_BEFORE, LATER = "Mon, 20 Apr 2026 11:59:58 GMT", "Wed, 20 Apr 2099 12:00:00 GMT"


def test_bytes_that_come_are_new_and_kept_as_they_came(server: ChaosServer, feed: SmallFeed) -> None:
    url = server.script("/page", data(b"a,b\n1,2\n", ETag='"v1"', Content_Type="text/csv; charset=utf-8"))
    fetched = feed.fetch(url)
    assert (fetched.outcome, fetched.body, fetched.attempts) == (NEW, b"a,b\n1,2\n", 1)
    assert feed.store.read("news", fetched.sha256) == b"a,b\n1,2\n"
    [attempt] = feed.attempts()
    assert (attempt.outcome, attempt.status, attempt.bytes) == (AttemptOutcome.NEW, 200, 8)


def test_a_resource_is_asked_for_by_its_etag_and_a_304_gives_the_kept_bytes(
    server: ChaosServer, feed: SmallFeed
) -> None:
    url = server.script("/page", data(b"first", ETag='"v1"'), status(304))
    first = feed.fetch(url)
    feed.clock.advance(3600)
    again = feed.fetch(url)
    assert server.requests("/page")[1]["If-None-Match"] == '"v1"'
    assert (again.outcome, again.body, again.sha256) == (UNCHANGED, b"first", first.sha256)
    assert again.fetched_at == first.fetched_at == NOW


def test_without_an_etag_a_resource_is_asked_for_by_the_time_of_its_change(
    server: ChaosServer, feed: SmallFeed
) -> None:
    url = server.script("/page", data(b"first", Last_Modified=SECOND_BEFORE), status(304))
    assert [feed.fetch(url).outcome, feed.fetch(url).outcome] == [NEW, UNCHANGED]
    assert server.requests("/page")[1]["If-Modified-Since"] == SECOND_BEFORE


@pytest.mark.parametrize("moment", [LATER, "Mon, 20 Apr 2026 12:00:00 GMT", "yesterday", "0"])
def test_a_change_that_is_not_past_is_never_asked_about(server: ChaosServer, feed: SmallFeed, moment: str) -> None:
    """A server whose clock was wrong once would say for ever that nothing has changed."""
    url = server.script("/page", data(b"first", Last_Modified=moment), data(b"second"))
    assert [feed.fetch(url).body, feed.fetch(url).body] == [b"first", b"second"]
    assert "If-Modified-Since" not in server.requests("/page")[1]


def test_the_same_bytes_under_another_etag_are_not_new(server: ChaosServer, feed: SmallFeed) -> None:
    url = server.script("/page", data(b"same", ETag='"v1"'), data(b"same", ETag='"v2"'), status(304))
    assert [feed.fetch(url).outcome for _ in range(3)] == [NEW, UNCHANGED, UNCHANGED]
    assert server.requests("/page")[2]["If-None-Match"] == '"v2"'
    assert {one.fetched_at for one in feed.store.snapshots("news", "page")} == {NOW}


def test_bytes_that_come_back_after_others_are_new_again_and_kept_once(server: ChaosServer, feed: SmallFeed) -> None:
    url = server.script("/page", data(b"one"), data(b"two"), data(b"one"))
    assert [feed.fetch(url).outcome for _ in range(3)] == [NEW, NEW, NEW]
    assert len([path for path in (feed.folder / "raw").rglob("bytes/*/*") if path.is_file()]) == 2


def test_of_many_who_fetch_the_same_bytes_at_once_one_is_told_that_they_are_new(
    server: ChaosServer, feed: SmallFeed
) -> None:
    url = server.script("/page", data(b"same"))
    with feed.fetcher() as fetcher, ThreadPoolExecutor(8) as pool:
        resources = [Resource("news", "page", url)] * 8
        outcomes = [fetched.outcome for fetched in pool.map(fetcher.fetch, resources)]
    assert sorted(outcomes) == [NEW] + [UNCHANGED] * 7


@pytest.mark.parametrize("empty", [data(b""), data(b" \r\n"), status(204), data(b"", Content_Encoding="gzip")])
def test_an_empty_answer_is_empty_and_replaces_nothing(server: ChaosServer, feed: SmallFeed, empty: object) -> None:
    url = server.script("/page", data(b"first", ETag='"v1"'), empty, status(304))  # type: ignore[arg-type]
    assert [feed.fetch(url).outcome for _ in range(3)] == [NEW, EMPTY, UNCHANGED]
    assert feed.attempts()[1].outcome is AttemptOutcome.EMPTY
    assert len(feed.store.snapshots("news", "page")) == 1


def test_damaged_kept_bytes_are_fetched_again_without_conditions(server: ChaosServer, feed: SmallFeed) -> None:
    url = server.script("/page", data(b"sound", ETag='"v1"'))
    first = feed.fetch(url)
    [kept] = (feed.folder / "raw").rglob(first.sha256)
    kept.write_bytes(b"rotten")
    assert feed.fetch(url).body == b"sound"
    assert "If-None-Match" not in server.requests("/page")[1]
    assert feed.store.read("news", first.sha256) == b"sound"


def test_a_304_that_was_not_asked_for_is_garbled(server: ChaosServer, feed: SmallFeed) -> None:
    with pytest.raises(FeedGarbled, match="answers 304, which was not asked for"):
        feed.fetch(server.script("/page", status(304)))


def test_a_304_to_a_request_without_conditions_is_garbled_whatever_is_kept(
    server: ChaosServer, feed: SmallFeed
) -> None:
    url = server.script("/page", data(b"first"), status(304))
    feed.fetch(url)
    with pytest.raises(FeedGarbled, match="answers 304, which was not asked for"):
        feed.fetch(url)


def test_an_etag_that_is_no_header_is_not_sent_back(server: ChaosServer, feed: SmallFeed) -> None:
    url = server.script("/page", data(b"first", ETag='"vé"'))
    assert [feed.fetch(url).outcome, feed.fetch(url).outcome] == [NEW, UNCHANGED]
    assert "If-None-Match" not in server.requests("/page")[1]


def test_the_lag_is_measured_by_the_servers_own_clock(server: ChaosServer, feed: SmallFeed) -> None:
    ahead = {"Date": "Tue, 21 Apr 2026 12:00:30 GMT", "Last_Modified": "Tue, 21 Apr 2026 12:00:00 GMT"}
    feed.fetch(server.script("/page", data(b"first", **ahead)))
    feed.fetch(server.script("/page", data(b"second", Date=ahead["Date"], Last_Modified=LATER)))
    assert [one.lag_s for one in feed.attempts()] == [30.0, None]


def test_a_resource_of_another_feed_is_refused(server: ChaosServer, feed: SmallFeed) -> None:
    with feed.fetcher() as fetcher, pytest.raises(ConfigError, match="is a resource of other, not of news"):
        fetcher.fetch(Resource("other", "page", server.url("/page")))
