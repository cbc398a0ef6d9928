"""Breaker: stops asking a feed that keeps failing, and lets one caller at a time find out whether it is back.

closed ── failures in a row, or told to wait ──> open ── time is up, one caller claims ──> half open ──> closed or open

The state lives in the ledger's stream `breaker/<feed>`, so all processes share it and a restart keeps it. Each
revision holds the whole state, under a key that names the revision which it was decided from: of those who decide from
the same state, the ledger takes one, and the others look again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from distill_platform.core.errors import BreakerOpen, LedgerConflict, LedgerDamaged
from distill_platform.core.utc import EARLIEST, iso, parse_utc
from distill_platform.feeds.settings import BreakerSettings
from distill_platform.store.ledger import Entry, Ledger, Revision

_ACTOR = "feeds"
_WHY_CHARACTERS = 300


class BreakerStatus(StrEnum):
    """Whether a feed is asked, is left alone, or is being tried."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True)
class BreakerState:
    """What is known of a feed: `failures` in a row while closed; since when and for how long it is open or tried.

    `probe` names who tries it; `version` is the number of the revision that says all this, 0 for none.
    """

    status: BreakerStatus = BreakerStatus.CLOSED
    failures: int = 0
    since: datetime = EARLIEST
    lasting_s: float = 0.0
    probe: str = ""
    why: str = ""
    version: int = 0

    def holds_back(self, now: datetime) -> bool:
        """Return whether a caller must not ask: the feed is open, or being tried, and its time is not up.

        Time counts in both directions from `since`, so that a clock that was set back holds nobody for ever.
        """
        return self.status is not BreakerStatus.CLOSED and abs((now - self.since).total_seconds()) < self.lasting_s

    @property
    def until(self) -> datetime:
        """Return when the time is up."""
        return self.since + timedelta(seconds=self.lasting_s)


def claimed(state: BreakerState, probe: str, now: datetime, settings: BreakerSettings) -> BreakerState:
    """Return `state` half open: `probe` has until `probe_expires_s` from now to say what came of it."""
    return replace(state, status=BreakerStatus.HALF_OPEN, since=now, lasting_s=settings.probe_expires_s, probe=probe)


def after_success(state: BreakerState, probe: str) -> BreakerState:
    """Return what `state` becomes when a caller got an answer; the same state when that changes nothing.

    A late answer to somebody who asked before the feed was opened, or whose claim has expired, closes nothing.
    """
    if state.status is BreakerStatus.CLOSED or (state.status is BreakerStatus.HALF_OPEN and state.probe == probe):
        return replace(state, status=BreakerStatus.CLOSED, failures=0, lasting_s=0.0, probe="", why="")
    return state


def after_failure(
    state: BreakerState, probe: str, now: datetime, why: str, hold_s: float, settings: BreakerSettings
) -> BreakerState:
    """Return what `state` becomes when a caller got none; `hold_s` is how long the source told us to wait, or 0.

    While closed it counts, and opens at `failures_to_open` or when told to wait. A probe that fails opens again. A
    late failure changes an open state only when it was told to wait for longer.
    """
    if state.status is BreakerStatus.CLOSED:
        failures = state.failures + 1
        is_full = failures >= settings.failures_to_open
        lasting = max(hold_s, settings.open_for_s if is_full else 0.0)
    elif state.status is BreakerStatus.HALF_OPEN and state.probe == probe:
        failures, lasting = state.failures + 1, max(hold_s, settings.open_for_s)
    elif state.status is BreakerStatus.OPEN and hold_s > 0.0 and now + timedelta(seconds=hold_s) > state.until:
        failures, lasting = state.failures, hold_s
    else:
        return state
    status = BreakerStatus.OPEN if lasting > 0.0 else BreakerStatus.CLOSED
    lasting = min(lasting, settings.longest_open_s)
    return BreakerState(status, failures, now, lasting, "", why[:_WHY_CHARACTERS], state.version)


@dataclass(frozen=True)
class Permit:
    """Leave to ask a feed once; `probe` names the claim of whoever tries whether it is back, and is empty otherwise."""

    probe: str = ""

    @property
    def is_probe(self) -> bool:
        """Return whether all others wait for what comes of this."""
        return bool(self.probe)


class LedgerBreaker:
    """The breaker of one feed, shared through a ledger; threads may share it, processes open their own."""

    def __init__(
        self,
        ledger: Ledger,
        feed: str,
        settings: BreakerSettings,
        clock: Callable[[], datetime],
        new_name: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self.feed = feed
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._new_name = new_name  # must never give a name twice: it tells apart who recorded what

    def state(self) -> BreakerState:
        """Return what is known of the feed now."""
        return breaker_state(self._ledger, self.feed)

    def admit(self) -> Permit:
        """Return leave to ask; BreakerOpen when the feed is open, or when somebody else is trying it."""
        while True:
            state, now = self.state(), self._clock()
            if state.status is BreakerStatus.CLOSED:
                return Permit()
            if state.holds_back(now):
                raise _held_back(self.feed, state)
            name = self._new_name()
            if self._records(state, claimed(state, name, now, self._settings), name):
                return Permit(name)

    def succeeded(self, permit: Permit) -> None:
        """Take note that whoever holds `permit` got an answer."""
        self._moves(lambda state: after_success(state, permit.probe))

    def failed(self, permit: Permit, why: str, *, hold_s: float | None = None) -> None:
        """Take note that whoever holds `permit` got none; `hold_s` is how long the source told us to wait."""
        now, hold = self._clock(), hold_s or 0.0
        self._moves(lambda state: after_failure(state, permit.probe, now, why, hold, self._settings))

    def _moves(self, step: Callable[[BreakerState], BreakerState]) -> None:
        """Record where `step` leads from the state as it is; nothing when it leads nowhere else."""
        while True:
            state = self.state()
            changed = step(state)
            if changed == state or self._records(state, changed, self._new_name()):
                return

    def _records(self, state: BreakerState, changed: BreakerState, name: str) -> bool:
        """Return whether `changed` is recorded as what follows `state`; not when something else already does."""
        body = {
            "status": changed.status,
            "failures": changed.failures,
            "since": iso(changed.since),
            "lasting_s": changed.lasting_s,
            "probe": changed.probe,
            "why": changed.why,
            "by": name,
        }
        entry = Entry(_stream(self.feed), f"after-{state.version}", changed.status, body, _ACTOR)
        try:
            self._ledger.append(entry)
        except LedgerConflict:
            return False
        return True


def breaker_state(ledger: Ledger, feed: str) -> BreakerState:
    """Return what the ledger knows of a feed: closed, without a failure, where nobody has recorded anything."""
    last = ledger.latest(_stream(feed))
    return BreakerState() if last is None else _state(last)


def _state(revision: Revision) -> BreakerState:
    body = revision.body
    try:
        return BreakerState(
            BreakerStatus(body["status"]),
            int(body["failures"]),
            parse_utc(body["since"]),
            float(body["lasting_s"]),
            str(body["probe"]),
            str(body["why"]),
            revision.number,
        )
    except (KeyError, TypeError, ValueError):
        message = f"revision {revision.number} of {revision.stream} is not the state of a breaker"
        raise LedgerDamaged(message, hint="`distill ledger verify` says what else is wrong") from None


def _held_back(feed: str, state: BreakerState) -> BreakerOpen:
    if state.status is BreakerStatus.HALF_OPEN:
        return BreakerOpen("somebody is trying whether it is back", feed=feed, hint="Wait for what comes of it")
    message = f"it is left alone until {iso(state.until)} after {state.failures} failures, the last: {state.why}"
    return BreakerOpen(message, feed=feed, hint="It is tried again by itself then")


def _stream(feed: str) -> str:
    return f"breaker/{feed}"
