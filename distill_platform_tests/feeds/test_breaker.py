"""A feed that fails is left alone, and found out about by one caller at a time, whatever clocks and processes do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from multiprocessing import SimpleQueue, get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import BreakerOpen, LedgerDamaged
from distill_platform.feeds.breaker import (
    BreakerState,
    BreakerStatus,
    LedgerBreaker,
    Permit,
    after_failure,
    after_success,
    breaker_state,
    claimed,
)
from distill_platform.feeds.settings import BreakerSettings
from distill_platform.store.ledger import Entry, Ledger, open_ledger
from distill_platform_tests.feeds.conftest import NOW, SetClock
from distill_platform_tests.store.conftest import postgres_server, postgres_url  # noqa: F401 - fixtures

SETTINGS = BreakerSettings(failures_to_open=3, open_for_s=60.0, longest_open_s=600.0, probe_expires_s=30.0)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture
def ledger(url: str, clock: SetClock) -> Iterator[Ledger]:
    with open_ledger(url, clock=clock, anchors=None) as opened:
        yield opened


@pytest.fixture
def breaker(ledger: Ledger, clock: SetClock) -> LedgerBreaker:
    return LedgerBreaker(ledger, "news", SETTINGS, clock)


def opened(breaker: LedgerBreaker) -> None:
    """Let the feed fail until it is left alone."""
    for _ in range(SETTINGS.failures_to_open):
        breaker.failed(breaker.admit(), "it answers 500")


def is_held_back(breaker: LedgerBreaker) -> bool:
    try:
        breaker.admit()
    except BreakerOpen:
        return True
    return False


def test_failures_in_a_row_open_it_and_the_error_says_until_when_and_why(breaker: LedgerBreaker) -> None:
    opened(breaker)
    with pytest.raises(BreakerOpen, match=r"news: .* until 2026-04-20T12:01:00Z after 3 failures, .* answers 500"):
        breaker.admit()


def test_an_answer_in_between_starts_the_count_anew(breaker: LedgerBreaker) -> None:
    for _ in range(5):
        breaker.failed(breaker.admit(), "it answers 500")
        breaker.failed(breaker.admit(), "it answers 500")
        breaker.succeeded(breaker.admit())
    assert breaker.state().status is BreakerStatus.CLOSED


def test_answers_of_a_feed_that_works_are_not_recorded(breaker: LedgerBreaker, ledger: Ledger) -> None:
    for _ in range(10):
        breaker.succeeded(breaker.admit())
    assert ledger.read("breaker/news") == []


def test_a_probe_that_is_answered_closes_it(breaker: LedgerBreaker, ledger: Ledger, clock: SetClock) -> None:
    opened(breaker)
    clock.advance(60)
    permit = breaker.admit()
    assert permit.is_probe
    breaker.succeeded(permit)
    assert not breaker.admit().is_probe
    kinds = [revision.kind for revision in ledger.read("breaker/news")]
    assert kinds == ["closed", "closed", "open", "half_open", "closed"]


def test_a_probe_that_fails_opens_it_again(breaker: LedgerBreaker, clock: SetClock) -> None:
    opened(breaker)
    clock.advance(60)
    breaker.failed(breaker.admit(), "it answers 500")
    clock.advance(59)
    assert is_held_back(breaker)
    clock.advance(1)
    assert breaker.admit().is_probe


def test_while_one_tries_the_others_wait(breaker: LedgerBreaker, clock: SetClock) -> None:
    opened(breaker)
    clock.advance(60)
    assert breaker.admit().is_probe
    with pytest.raises(BreakerOpen, match="somebody is trying"):
        breaker.admit()


def test_a_probe_whose_process_died_expires(breaker: LedgerBreaker, clock: SetClock) -> None:
    opened(breaker)
    clock.advance(60)
    dead = breaker.admit()
    clock.advance(30)
    living = breaker.admit()
    breaker.succeeded(dead)
    breaker.failed(dead, "it answers 500")
    assert breaker.state().probe == living.probe
    breaker.succeeded(living)
    assert breaker.state().status is BreakerStatus.CLOSED


def test_who_asked_before_it_was_opened_neither_closes_nor_prolongs_it(breaker: LedgerBreaker, clock: SetClock) -> None:
    early, late = breaker.admit(), breaker.admit()
    opened(breaker)
    before = breaker.state()
    clock.advance(90)
    breaker.succeeded(early)
    breaker.failed(late, "it answers 500")
    assert breaker.state() == before


def test_told_to_wait_it_opens_at_once_but_never_for_longer_than_the_longest(
    breaker: LedgerBreaker, clock: SetClock
) -> None:
    breaker.failed(breaker.admit(), "it answers 429", hold_s=5.0)
    assert breaker.state().until == NOW + timedelta(seconds=5)
    breaker.failed(Permit(), "it answers 429", hold_s=1e9)
    assert breaker.state().until == NOW + timedelta(seconds=600)
    clock.advance(600)
    assert breaker.admit().is_probe


@pytest.mark.parametrize("back_s", [1.0, 59.0, 3600.0, 86400.0 * 365])
def test_a_clock_that_is_set_back_holds_nobody_for_more_than_twice_the_time(
    breaker: LedgerBreaker, clock: SetClock, back_s: float
) -> None:
    opened(breaker)
    for lasting_s in (60, 30):
        clock.advance(-back_s)
        assert any(not is_held_back(breaker) or clock.advance(10) for _ in range(2 * lasting_s // 10 + 1))
        assert breaker.state().status is BreakerStatus.HALF_OPEN


@pytest.mark.parametrize("jump_s", [-86400.0, 86400.0])
def test_a_closed_one_stays_closed_whatever_the_clock_does(
    breaker: LedgerBreaker, clock: SetClock, jump_s: float
) -> None:
    opened(breaker)
    clock.advance(60)
    breaker.succeeded(breaker.admit())
    clock.advance(jump_s)
    assert not breaker.admit().is_probe


def test_the_state_survives_a_restart(url: str, breaker: LedgerBreaker, clock: SetClock) -> None:
    opened(breaker)
    with open_ledger(url, clock=clock, anchors=None) as another:
        assert breaker_state(another, "news") == breaker.state()
        assert is_held_back(LedgerBreaker(another, "news", SETTINGS, clock))
        assert not is_held_back(LedgerBreaker(another, "other", SETTINGS, clock))


def test_failures_of_many_threads_are_all_counted(ledger: Ledger, clock: SetClock) -> None:
    many = LedgerBreaker(ledger, "news", SETTINGS.model_copy(update={"failures_to_open": 100}), clock)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: many.failed(Permit(), "it answers 500"), range(20)))
    assert many.state().failures == 20


def test_of_many_threads_one_tries(breaker: LedgerBreaker, clock: SetClock) -> None:
    opened(breaker)
    clock.advance(60)
    with ThreadPoolExecutor(8) as pool:
        held_back = list(pool.map(lambda _: is_held_back(breaker), range(16)))
    assert held_back.count(False) == 1


def test_of_four_processes_one_tries(url: str, breaker: LedgerBreaker, clock: SetClock) -> None:
    opened(breaker)
    assert_one_of_four_tries(url)


@pytest.mark.slow
def test_of_four_processes_one_tries_on_postgres(postgres_url: str, clock: SetClock) -> None:  # noqa: F811
    with open_ledger(postgres_url, clock=clock, anchors=None) as ledger:
        opened(LedgerBreaker(ledger, "news", SETTINGS, clock))
    assert_one_of_four_tries(postgres_url)


def assert_one_of_four_tries(url: str) -> None:
    forked = get_context("fork")
    barrier, said = forked.Barrier(4), forked.SimpleQueue()
    started = [forked.Process(target=try_it, args=(url, barrier, said)) for _ in range(4)]
    for process in started:
        process.start()
    assert sorted(said.get() for _ in started) == ["held back"] * 3 + ["probe"]
    for process in started:
        process.join()


def try_it(url: str, barrier: "Barrier", said: "SimpleQueue[str]") -> None:
    """What one of the processes does, once the breaker's time is up and all of them are ready."""
    clock = SetClock(NOW + timedelta(seconds=60))
    with open_ledger(url, clock=clock, anchors=None) as ledger:
        breaker = LedgerBreaker(ledger, "news", SETTINGS, clock)
        barrier.wait(20)
        said.put("held back" if is_held_back(breaker) else "probe")


def test_something_else_in_the_stream_is_not_taken_for_a_state(breaker: LedgerBreaker, ledger: Ledger) -> None:
    ledger.append(Entry("breaker/news", "note", "note", {"status": "ajar"}, "somebody"))
    with pytest.raises(LedgerDamaged, match="is not the state of a breaker"):
        breaker.admit()


STEPS = st.lists(st.tuples(st.sampled_from(["ask", "answer", "fail", "wait"]), st.floats(0.0, 200.0)), max_size=60)


@given(STEPS)
def test_law_one_at_a_time_tries_and_nobody_is_held_for_ever(steps: list[tuple[str, float]]) -> None:
    """While the clock runs on, no second caller tries before the first has said what came of it, or has expired."""
    state, now, names, asking = BreakerState(), NOW, count(), [""]
    for step, seconds in steps:
        if step == "wait":
            now += timedelta(seconds=seconds)
        elif step == "ask" and state.status is not BreakerStatus.CLOSED and not state.holds_back(now):
            is_free = state.status is BreakerStatus.OPEN or now >= state.until
            assert is_free
            asking.append(str(next(names)))
            state = claimed(state, asking[-1], now, SETTINGS)
        elif step == "answer":
            before, state = state, after_success(state, asking[-1])
            assert before.status is not BreakerStatus.OPEN or state == before
        elif step == "fail":
            state = after_failure(state, asking[-1], now, "no", seconds if seconds > 100.0 else 0.0, SETTINGS)
        assert state.failures < SETTINGS.failures_to_open or state.status is not BreakerStatus.CLOSED
        for direction in (-1, 1):
            assert not state.holds_back(now + direction * timedelta(seconds=2 * SETTINGS.longest_open_s))
