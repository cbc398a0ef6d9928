"""Whatever a server does, its bytes are data only when they are whole, and it is asked no more than it may be."""

import gzip
import zlib
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import monotonic

import pytest

from distill_platform.core.errors import BreakerOpen, FeedError, FeedGarbled, FeedRefused, FeedUnavailable
from distill_platform.feeds.attempts import AttemptOutcome
from distill_platform.feeds.http.fetching import FetchOutcome
from distill_platform_tests.feeds.chaos_server import (
    ChaosServer,
    Handler,
    Step,
    cut_off,
    data,
    drip,
    endless,
    reset,
    status,
)
from distill_platform_tests.feeds.conftest import NOW, SmallFeed

PACKED = gzip.compress(b"a,b\n1,2\n" * 100)
BOMB = gzip.compress(b"\0" * 20_000_000)
GZIP = {"Content_Encoding": "gzip"}


def refused(feed: SmallFeed, url: str) -> FeedError:
    """The error that fetching ends in; nothing is kept."""
    with pytest.raises(FeedError) as caught:
        feed.fetch(url)
    assert feed.store.latest("news", "page") is None
    return caught.value


# --- told to wait ---


def test_a_429_is_asked_again_after_the_seconds_that_it_names(
    server: ChaosServer, feed: SmallFeed, waits: list[float]
) -> None:
    url = server.script("/page", status(429, Retry_After="7"), data(b"now"))
    fetched = feed.fetch(url)
    assert (fetched.body, fetched.attempts, waits) == (b"now", 2, [7.0])
    assert [one.outcome for one in feed.attempts()] == [AttemptOutcome.RATE_LIMITED, AttemptOutcome.NEW]


def test_a_moment_to_come_back_is_read_by_the_servers_own_clock(
    server: ChaosServer, feed: SmallFeed, waits: list[float]
) -> None:
    years_ahead = {"Date": "Tue, 20 Apr 2032 09:00:00 GMT", "Retry_After": "Tue, 20 Apr 2032 09:00:05 GMT"}
    assert feed.fetch(server.script("/page", status(503, **years_ahead), data(b"now"))).body == b"now"
    assert waits == [5.0]


@pytest.mark.parametrize("said", ["-5", "soon", "Mon, 20 Apr 1970 12:00:00 GMT", "0", "²"])
def test_a_wait_that_is_none_becomes_a_usual_one(
    server: ChaosServer, feed: SmallFeed, waits: list[float], said: str
) -> None:
    assert feed.fetch(server.script("/page", status(503, Retry_After=said), data(b"now"))).body == b"now"
    assert waits == [0.01]


@pytest.mark.parametrize(
    ("said", "until"), [("20", 20.0), ("9" * 400, 3600.0), ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0)]
)
def test_a_wait_that_is_too_long_is_not_begun_and_opens_the_breaker_until_then(
    server: ChaosServer, feed: SmallFeed, waits: list[float], said: str, until: float
) -> None:
    url = server.script("/page", status(429, Retry_After=said), data(b"now"))
    assert isinstance(refused(feed, url), FeedUnavailable)
    feed.clock.advance(until - 1)
    assert isinstance(refused(feed, url), BreakerOpen)
    assert (len(server.requests("/page")), waits) == (1, [])
    feed.clock.advance(1)
    assert feed.fetch(url).body == b"now"


def test_who_is_still_told_to_wait_at_the_last_attempt_leaves_the_feed_alone_for_that_long(
    server: ChaosServer, feed: SmallFeed, waits: list[float]
) -> None:
    url = server.script("/page", *[status(503, Retry_After="2")] * 3, data(b"now"))
    assert isinstance(refused(feed, url), FeedUnavailable)
    assert waits == [2.0, 2.0]
    assert isinstance(refused(feed, url), BreakerOpen)
    feed.clock.advance(2)
    assert feed.fetch(url).body == b"now"


# --- failing ---


@pytest.mark.parametrize("code", [408, 425, 429, 500, 503])
def test_attempts_are_capped(server: ChaosServer, feed: SmallFeed, code: int) -> None:
    error = refused(feed, server.script("/page", status(code, b"{}")))
    assert isinstance(error, FeedUnavailable)
    assert error.status == code
    assert [one.number for one in feed.attempts()] == [1, 2, 3]


def test_waits_double_up_to_the_longest(server: ChaosServer, feed: SmallFeed, waits: list[float]) -> None:
    retry = {"max_attempts": 6, "first_wait_s": 1.0, "max_wait_s": 5.0, "jitter_s": 0.0, "timeout_s": 60.0}
    refused(feed.with_settings(retry=retry), server.script("/page", status(500)))
    assert waits == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_burst_of_503_is_survived(server: ChaosServer, feed: SmallFeed) -> None:
    fetched = feed.fetch(server.script("/page", status(503), status(503), data(b"back")))
    assert (fetched.outcome, fetched.attempts) == (FetchOutcome.NEW, 3)


@pytest.mark.parametrize("code", [401, 404])
def test_a_no_is_taken_for_a_no_and_is_no_reason_to_open_the_breaker(
    server: ChaosServer, feed: SmallFeed, code: int
) -> None:
    url = server.script("/page", status(code))
    assert [type(refused(feed, url)) for _ in range(5)] == [FeedRefused] * 5
    assert len(server.requests("/page")) == 5


@pytest.mark.parametrize("code", [202, 206])
def test_another_status_than_that_of_data_is_not_data(server: ChaosServer, feed: SmallFeed, code: int) -> None:
    assert isinstance(refused(feed, server.script("/page", status(code, b"a,b\n"))), FeedGarbled)


def test_a_connection_that_is_reset_is_tried_again(server: ChaosServer, feed: SmallFeed) -> None:
    assert feed.fetch(server.script("/page", reset, data(b"back"))).attempts == 2


def test_a_server_that_is_not_there_is_unavailable(feed: SmallFeed) -> None:
    assert isinstance(refused(feed, "http://127.0.0.1:1/page"), FeedUnavailable)


def test_something_that_is_not_http_is_garbled(server: ChaosServer, feed: SmallFeed) -> None:
    def greet(handler: object) -> None:
        handler.wfile.write(b"220 mail.example.com ESMTP\r\n\r\n")  # type: ignore[attr-defined]
        handler.close_connection = True  # type: ignore[attr-defined]

    assert isinstance(refused(feed, server.script("/page", greet)), FeedGarbled)


# --- slow ---


@pytest.mark.parametrize(
    "slow",
    [
        drip(b"x", 0.02, in_headers=False),
        drip(b"x", 0.02, in_headers=False, says_length=False),
        drip(b"X-Header: x\r\n", 0.02, in_headers=True),
        lambda handler: handler.server.is_ending.wait(5) and None,
    ],
)
def test_a_slow_drip_is_cut_off_at_the_deadline(server: ChaosServer, feed: SmallFeed, slow: Step) -> None:
    hasty = feed.with_settings(timeouts={"total_s": 0.15}, retry={"max_attempts": 1})
    began = monotonic()
    error = refused(hasty, server.script("/page", slow))
    assert isinstance(error, FeedUnavailable)
    assert "took longer than 0.15 s" in str(error)
    assert monotonic() - began < 2.0


# --- garbled ---


@pytest.mark.parametrize(
    ("broken", "attempts"),
    [
        (data(PACKED[:-12], **GZIP), 3),
        (data(PACKED[:-1] + b"\xff", **GZIP), 3),
        (data(PACKED + b"more", **GZIP), 3),
        (data(b"plain", **GZIP), 3),
        (cut_off(b"a,b\n", promised=100), 3),
        (cut_off(PACKED, promised=len(PACKED) + 1), 3),
        (data(zlib.compress(b"a,b\n"), Content_Encoding="deflate"), 1),
        (data(b"a,b\n", Content_Encoding="br"), 1),
        (data("naïve".encode("latin-1"), Content_Type="text/csv; charset=utf-8"), 1),
        (data(b"a,b\n", Content_Type="text/csv; charset=punycode"), 1),
        (data(b"a,b\n", Content_Type="text/csv; charset=rot13"), 1),
        (data(b"a,b\r\n", Transfer_Encoding="chunked"), 3),
    ],
)  # fmt: skip
def test_bytes_that_are_not_what_they_claim_are_never_data(
    server: ChaosServer, feed: SmallFeed, broken: Step, attempts: int
) -> None:
    """What may have broken on the way is asked for again; what the server means so is not."""
    assert isinstance(refused(feed, server.script("/page", broken)), FeedGarbled)
    assert [one.outcome for one in feed.attempts()] == [AttemptOutcome.GARBLED] * attempts


@pytest.mark.parametrize(
    "huge", [data(b"x" * 70_000), endless(b"x" * 10_000), data(BOMB, **GZIP), endless(gzip.compress(b""), **GZIP)]
)
def test_more_bytes_than_allowed_are_not_taken(server: ChaosServer, feed: SmallFeed, huge: Step) -> None:
    error = refused(feed.with_settings(max_bytes=50_000), server.script("/page", huge))
    assert isinstance(error, FeedGarbled)
    assert "larger than 50,000 bytes" in str(error)


def test_gzip_in_several_members_is_unpacked_whole(server: ChaosServer, feed: SmallFeed) -> None:
    packed = b"".join(gzip.compress(part * 50_000) for part in (b"a", b"b", b"c"))
    fetched = feed.fetch(server.script("/page", data(packed, Content_Encoding="GZip")))
    assert fetched.body == b"a" * 50_000 + b"b" * 50_000 + b"c" * 50_000


def test_a_declared_encoding_wins_over_what_the_source_says(server: ChaosServer, feed: SmallFeed) -> None:
    body = "naïve".encode("latin-1")
    url = server.script("/page", data(body, Content_Type="text/csv; charset=utf-8"))
    assert feed.with_settings(encoding="latin-1").fetch(url).body == body
    assert isinstance(feed.with_settings(encoding="ascii").caught(url), FeedGarbled)


# --- redirects ---


def test_a_redirect_is_followed_and_kept_under_its_own_key(server: ChaosServer, feed: SmallFeed) -> None:
    server.script("/there", data(b"found", ETag='"v1"'))
    fetched = feed.fetch(server.script("/page", status(302, Location="/there")))
    assert (fetched.body, fetched.etag) == (b"found", '"v1"')


@pytest.mark.parametrize("target", ["/page", "file:///etc/passwd", "ftp://host/x", "", "http://["])
def test_a_redirect_in_a_circle_or_to_no_web_address_is_refused(
    server: ChaosServer, feed: SmallFeed, target: str
) -> None:
    assert isinstance(refused(feed, server.script("/page", status(301, Location=target))), FeedRefused)
    assert len(server.requests("/page")) == (6 if target == "/page" else 1)


def test_a_feeds_own_headers_go_to_its_own_origin_only(server: ChaosServer, feed: SmallFeed) -> None:
    elsewhere = server.script("/there", data(b"found")).replace("127.0.0.1", "localhost")
    url = server.script("/page", status(302, Location=elsewhere))
    assert feed.fetch(url, **{"X-Api-Key": "s3cret"}).body == b"found"
    assert server.requests("/page")[0]["X-Api-Key"] == "s3cret"
    assert "X-Api-Key" not in server.requests("/there")[0]


# --- held back ---


def test_a_feed_that_keeps_failing_is_left_alone_and_then_tried_with_one_request(
    server: ChaosServer, feed: SmallFeed
) -> None:
    """Every fetch opens the ledger anew, as a process does after a restart."""
    url = server.script("/page", *[status(500)] * 10, data(b"back"))
    assert [type(refused(feed, url)) for _ in range(4)] == [FeedUnavailable] * 3 + [BreakerOpen]
    assert len(server.requests("/page")) == 9
    feed.clock.advance(60)
    assert isinstance(refused(feed, url), FeedUnavailable)
    assert len(server.requests("/page")) == 10
    assert isinstance(refused(feed, url), BreakerOpen)
    feed.clock.advance(60)
    assert feed.fetch(url).body == b"back"
    assert feed.fetch(url).attempts == 1
    outcomes = [one.outcome for one in feed.attempts()]
    assert outcomes.count(AttemptOutcome.HELD_BACK) == 2


def test_of_many_who_want_it_one_asks_a_feed_whose_time_is_up(server: ChaosServer, feed: SmallFeed) -> None:
    """Each has a ledger of its own, as processes do; the server answers nobody before all have tried."""
    all_tried = Barrier(8)

    def late(handler: Handler) -> None:
        all_tried.wait(10)
        status(500)(handler)

    url = server.script("/page", *[status(500)] * 9, late)
    for _ in range(3):
        refused(feed, url)
    feed.clock.advance(60)

    def tries(_: int) -> type[FeedError]:
        error = feed.caught(url)
        if isinstance(error, BreakerOpen):
            all_tried.wait(10)
        return type(error)

    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(tries, range(8)))
    assert (errors.count(BreakerOpen), errors.count(FeedUnavailable)) == (7, 1)
    assert len(server.requests("/page")) == 10


def test_requests_are_held_to_the_rate_limit(server: ChaosServer, feed: SmallFeed) -> None:
    slow = feed.with_settings(rate_limit={"requests": 2, "period_s": 0.1})
    url = server.script("/page", data(b"x"))
    with slow.fetcher() as fetcher:
        began = monotonic()
        for _ in range(5):
            fetcher.fetch(slow.resource(url))
    assert monotonic() - began >= 0.15


def test_a_content_type_that_contradicts_itself_is_garbled_and_kills_nobody(
    server: ChaosServer, feed: SmallFeed
) -> None:
    said = "text/plain; charset*=utf-8''utf-8; charset*0=a"
    error = feed.caught(server.script("/page", data(b"x", Content_Type=said)))
    assert isinstance(error, FeedGarbled)
    assert "Content-Type" in str(error)


def test_a_server_cannot_make_later_requests_carry_anything(server: ChaosServer, feed: SmallFeed) -> None:
    url = server.script("/page", data(b"x", Set_Cookie="a=" + "b" * 3_000))
    with feed.fetcher() as fetcher:
        for _ in range(2):
            fetcher.fetch(feed.resource(url))
    assert all("Cookie" not in headers for headers in server.requests("/page"))


def test_waiting_for_ones_turn_is_no_part_of_the_time_that_an_answer_may_take(
    server: ChaosServer, feed: SmallFeed
) -> None:
    slow = feed.with_settings(rate_limit={"requests": 1, "period_s": 0.3}, timeouts={"total_s": 0.15})
    server.script("/page", status(302, Location="/there"))
    server.script("/there", data(b"x"))
    with slow.fetcher() as fetcher:
        assert fetcher.fetch(slow.resource(server.url("/page"))).attempts == 1


# --- secrets ---


def test_no_secret_is_in_anything_that_is_said_or_kept(
    server: ChaosServer, feed: SmallFeed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server.script("/page", status(500), data(b"x"), status(404))
    url = server.url("/page").replace("http://", "http://someone:s3cret@") + "?api_key=s3cret&series=GDP#s3cret"
    feed.fetch(url, **{"X-Api-Key": "s3cret"})
    with pytest.raises(FeedRefused, match=r"series=GDP") as caught:
        feed.fetch(url, **{"X-Api-Key": "s3cret"})
    said = [str(caught.value), repr(caught.value), caplog.text, repr(feed.resource(url))]
    kept = [path.read_bytes() for path in feed.folder.rglob("*") if path.is_file()]
    assert not any("s3cret" in text for text in said)
    assert not any(b"s3cret" in content for content in kept)
    assert NOW.date() == feed.attempts()[0].at.date()


@pytest.mark.parametrize("secret", ["s3cret\n", "s3cret\0", "s3crét"])
def test_a_secret_that_cannot_be_sent_is_not_said_either(server: ChaosServer, feed: SmallFeed, secret: str) -> None:
    """The usual one: a key that was read from a file, with the end of its line."""
    url = server.script("/page", data(b"x"))
    for asked, headers in ((url, {"X-Api-Key": secret}), (f"{url}?api_key={secret}\r\n", {})):
        try:
            feed.fetch(asked, **headers)
        except FeedError as error:
            assert "s3cr" not in str(error)
    assert not any(b"s3cr" in path.read_bytes() for path in feed.folder.rglob("*") if path.is_file())
