"""Settings of one feed: how it is asked, how far it is trusted, and what it owes us."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from distill_platform.core.config import StrictModel

Seconds = Annotated[float, Field(gt=0.0, le=86_400.0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
# Only encodings of text, and none that takes quadratic time to decode, as punycode and idna do.
_CHARSET = re.compile(
    r"(us-)?ascii|latin-?1|utf-?(8|16|32)(-?sig|-?[bl]e)?|iso-?8859-\d+|windows-\d+|cp\d+|koi8-[rtu]"
    r"|gb(2312|k|18030)|big5(-?hkscs)?|euc-(jp|kr)|shift-jis|iso-2022-(jp|kr)"
)


def is_charset(name: str) -> bool:
    """Return whether `name`, in any case and with `_` for `-`, is a character encoding that a feed may use."""
    return _CHARSET.fullmatch(name.lower().replace("_", "-")) is not None


class RetrySettings(StrictModel):
    """How often a resource is asked for again; waits double from the first to the longest, plus a random jitter."""

    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    first_wait_s: Seconds = 0.5
    max_wait_s: Seconds = 30.0
    jitter_s: Annotated[float, Field(ge=0.0, le=600.0, allow_inf_nan=False)] = 1.0
    timeout_s: Seconds = 300.0  # for all attempts and waits together

    @model_validator(mode="after")
    def _leave_room(self) -> Self:
        if not self.first_wait_s <= self.max_wait_s < self.timeout_s:
            raise ValueError("first_wait_s, max_wait_s and timeout_s must rise in this order")
        return self


class Timeouts(StrictModel):
    """How long one attempt may take: to connect, between two pieces of the answer, and in all."""

    connect_s: Seconds = 10.0
    read_s: Seconds = 20.0
    total_s: Seconds = 60.0


class RateLimit(StrictModel):
    """So many requests at once, and then one every `period_s / requests`; each process counts its own."""

    requests: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    period_s: Seconds = 60.0


class BreakerSettings(StrictModel):
    """When a feed is no longer asked, for how long, and how long the one who tries it again may take."""

    failures_to_open: Annotated[int, Field(ge=1, le=1_000)] = 3
    open_for_s: Seconds = 300.0
    longest_open_s: Seconds = 3_600.0  # also when the source tells us to wait for longer
    probe_expires_s: Seconds = 600.0

    @model_validator(mode="after")
    def _open_within_longest(self) -> Self:
        if self.open_for_s > self.longest_open_s:
            raise ValueError("open_for_s is longer than longest_open_s")
        return self


class Slo(StrictModel):
    """What a feed owes us over a day: its 95th percentile of lag, and its share of attempts that gave data."""

    p95_lag_s: Seconds = 120.0
    success_rate: Fraction = 0.95


class FeedSettings(StrictModel):
    """What every feed declares, however it is read."""

    tier: Annotated[int, Field(ge=1, le=3)] = 2  # 1 is best
    confidence: Fraction = 0.5
    delay_s: Annotated[float, Field(ge=0.0, le=31_536_000.0, allow_inf_nan=False)] = 0.0  # from published to available
    encoding: str | None = None  # of its text, whatever the source says; None believes the source
    max_bytes: Annotated[int, Field(ge=1, le=2**31)] = 64 * 2**20  # of one answer, packed and unpacked
    timeouts: Timeouts = Timeouts()
    retry: RetrySettings = RetrySettings()
    rate_limit: RateLimit = RateLimit()
    breaker: BreakerSettings = BreakerSettings()
    slo: Slo | None = Slo()  # None: a file of history, which owes nothing

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        if encoding is not None and not is_charset(encoding):
            raise ValueError(f"{encoding[:40]!r} is not a character encoding like utf-8 or windows-1252")
        return encoding

    @model_validator(mode="after")
    def _probe_ends_first(self) -> Self:
        if self.breaker.probe_expires_s <= self.timeouts.total_s:
            raise ValueError("breaker.probe_expires_s must be longer than timeouts.total_s")
        return self
