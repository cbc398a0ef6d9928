"""A resource's bytes come whole, are kept once, and are ingested once however often they are asked for."""

from distill_platform.feeds.attempts import AttemptOutcome
from distill_platform.feeds.http.fetching import FetchOutcome
from distill_platform_tests.feeds.chaos_server import ChaosServer, data, status
from distill_platform_tests.feeds.conftest import SmallFeed


def test_bytes_that_come_are_new_and_kept_as_they_came(server: ChaosServer, feed: SmallFeed) -> None:
    url = server.script("/page", data(b"a,b\n1,2\n", ETag='"v1"', Content_Type="text/csv; charset=utf-8"))
    fetched = feed.fetch(url)
    assert (fetched.outcome, fetched.body, fetched.attempts) == (FetchOutcome.NEW, b"a,b\n1,2\n", 1)
    assert feed.store.read("news", fetched.sha256) == b"a,b\n1,2\n"
    assert [one.outcome for one in feed.attempts()] == [AttemptOutcome.NEW]


def test_a_resource_is_asked_for_by_its_etag_and_a_304_gives_the_kept_bytes(
    server: ChaosServer, feed: SmallFeed
) -> None:
    url = server.script("/page", data(b"first", ETag='"v1"'), status(304))
    first = feed.fetch(url)
    feed.clock.advance(3600)
    again = feed.fetch(url)
    assert server.requests("/page")[1]["If-None-Match"] == '"v1"'
    assert (again.outcome, again.body, again.sha256) == (FetchOutcome.UNCHANGED, b"first", first.sha256)
    assert again.fetched_at == first.fetched_at
