"""What a feed's file says is taken as it stands or refused; requests are never sent faster than it allows."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.config import load_yaml
from distill_platform.core.errors import ConfigError
from distill_platform.feeds.http.rate_limit import TokenBucket
from distill_platform.feeds.settings import FeedSettings, RateLimit, is_charset


def loaded(folder: Path, text: str) -> FeedSettings:
    (folder / "feed.yaml").write_text(text)
    return load_yaml(folder / "feed.yaml", FeedSettings)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("teir: 1", "Did you mean 'tier'?"),
        ("tier: 4", "less than or equal to 3"),
        ("confidence: .nan", "confidence"),
        ("delay_s: -1", "greater than or equal to 0"),
        ("encoding: punycode", "not a character encoding"),
        ("retry: {max_attempts: 0}", "greater than or equal to 1"),
        ("retry: {max_wait_s: 400}", "must rise in this order"),
        ("retry: {timeout_s: .inf}", "retry.timeout_s"),
        ("breaker: {open_for_s: 7200}", "open_for_s is longer than longest_open_s"),
        ("breaker: {probe_expires_s: 60}", "must be longer than timeouts.total_s"),
        ("rate_limit: {requests: 1.5}", "rate_limit.requests"),
        ("slo: {success_rate: 95}", "less than or equal to 1"),
    ],
)
def test_a_wrong_value_is_refused_and_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint.replace("?", r"\?")):
        loaded(tmp_path, text)


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "tier: 1")
    assert (settings.tier, settings.retry.max_attempts, settings.slo.p95_lag_s) == (1, 5, 120.0)


@pytest.mark.parametrize("name", ["UTF-8", "utf_8", "latin-1", "ISO-8859-15", "windows-1252", "Shift_JIS", "US-ASCII"])
def test_encodings_of_text_are_known_by_their_usual_names(name: str) -> None:
    assert is_charset(name)
    "".encode(name)


@pytest.mark.parametrize("name", ["", "rot13", "zip", "hex", "idna", "punycode", "unicode_escape", "utf-8\n"])
def test_codecs_that_are_no_encodings_of_text_are_not(name: str) -> None:
    assert not is_charset(name)


@given(st.integers(1, 20), st.floats(0.1, 100.0), st.lists(st.floats(0.0, 30.0), max_size=60))
def test_law_no_period_sees_more_than_twice_the_limit(requests: int, period_s: float, gaps: list[float]) -> None:
    """A full bucket and what flows into it meanwhile: `requests` at once, and `requests` in each period after."""
    now, sent = [0.0], []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    bucket = TokenBucket(RateLimit(requests=requests, period_s=period_s), lambda: now[0], sleep)
    for gap in gaps:
        now[0] += gap
        bucket.take()
        sent.append(now[0])
    for start in range(len(sent)):
        within = sum(1 for moment in sent[start:] if moment < sent[start] + period_s * (1 - 1e-9))
        assert within <= 2 * requests
    if len(sent) > requests:
        assert sent[-1] >= (len(sent) - requests) * period_s / requests * (1 - 1e-9)
