"""Forward windows: opened before anything is computed, once for a lineage, and everybody who looked counts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.core.canon import sha256_hex
from distill_platform.core.errors import EntryRefused, ForwardWindowError, ForwardWindowSpent
from distill_platform.models.forward_window import Opening, open_window, openings
from distill_platform.store.ledger import Entry, Ledger, open_ledger
from distill_platform.testing.ledger_contract import TickingClock

ROOT = str(Path(__file__).parents[2])
MARKET = "btc_1h"
WEEK = 7 * 86_400 * 10**9
START = 2_900 * WEEK


def hashes(*names: str) -> list[str]:
    return [sha256_hex(name.encode()) for name in names]


def opened(
    ledger: Ledger,
    names: Iterable[str] = ("a", "b"),
    *,
    lineage: str = "lineage-1",
    market: str = MARKET,
    start: int = START,
    end: int = START + 4 * WEEK,
    actor: str = "ada",
) -> Opening:
    asked = {"lineage": lineage, "candidates": hashes(*names), "reason": "confirmation", "actor": actor}
    return open_window(ledger, market, start_ns=start, end_ns=end, **asked)  # type: ignore[arg-type]


def test_an_opening_is_in_the_ledger_when_it_is_handed_out(ledger: Ledger) -> None:
    opening = opened(ledger)
    assert (opening.number, opening.is_repeat, opening.trials) == (1, False, 2)
    (recorded,) = openings(ledger, MARKET)
    assert recorded == opening.recorded
    assert recorded.request.candidates == sorted(hashes("a", "b"))
    assert (recorded.opened_by, recorded.request.reason) == ("ada", "confirmation")
    assert [revision.kind for revision in ledger.read("forward/btc_1h")] == ["opened"]


def test_the_same_look_again_is_the_same_opening(ledger: Ledger) -> None:
    first = opened(ledger, ["a", "b"])
    again = opened(ledger, ["b", "a", "b"], actor="bob")
    assert (again.is_repeat, again.recorded) == (True, first.recorded)
    assert len(openings(ledger, MARKET)) == 1


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"], ["c"], ["c", "d"]])
def test_a_lineage_does_not_open_its_window_for_other_candidates(ledger: Ledger, names: list[str]) -> None:
    opened(ledger)
    with pytest.raises(ForwardWindowSpent, match="by ada, with 2 candidates") as refused:
        opened(ledger, names, actor="bob")
    assert (refused.value.number, refused.value.opened_by) == (1, "ada")
    assert refused.value.opened_at == "2026-04-20T12:00:00Z"
    assert len(openings(ledger, MARKET)) == 1


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (START, START + 3 * WEEK),
        (START + WEEK, START + 4 * WEEK),
        (START - WEEK, START + 1),
        (START + 4 * WEEK - 1, START + 9 * WEEK),
        (START - WEEK, START + 9 * WEEK),
        (START + WEEK, START + WEEK + 1),
    ],
)
@pytest.mark.parametrize("names", [("a", "b"), ("c",)])
def test_a_window_that_is_moved_a_little_is_spent_too(
    ledger: Ledger, start: int, end: int, names: tuple[str, ...]
) -> None:
    opened(ledger)
    with pytest.raises(ForwardWindowSpent):
        opened(ledger, names, start=start, end=end)


def test_windows_that_only_touch_share_nothing(ledger: Ledger) -> None:
    opened(ledger)
    for start in (START + 4 * WEEK, START - 4 * WEEK):
        later = opened(ledger, ["c"], start=start, end=start + 4 * WEEK)
        assert (later.is_repeat, later.trials) == (False, 1)


def test_everybody_who_looked_counts_whatever_they_call_themselves(ledger: Ledger) -> None:
    opened(ledger, ["a", "b"])
    second = opened(ledger, ["b", "c"], lineage="lineage-2", start=START + WEEK, end=START + 5 * WEEK)
    third = opened(ledger, ["d"], lineage="lineage-3")
    assert [each.number for each in third.overlapping] == [1, 2, 3]
    assert (second.trials, third.trials) == (3, 4)
    assert third.candidates_seen == tuple(sorted(hashes("a", "b", "c", "d")))
    assert opened(ledger, ["a", "b"]).trials == 4
    elsewhere = opened(ledger, ["e"], lineage="lineage-4", start=START + 4 * WEEK, end=START + 6 * WEEK)
    assert elsewhere.candidates_seen == tuple(sorted(hashes("b", "c", "e")))


def test_a_market_is_the_same_in_capital_letters(ledger: Ledger) -> None:
    opened(ledger)
    with pytest.raises(ForwardWindowSpent):
        opened(ledger, ["c"], market="BTC_1H")
    assert opened(ledger, ["c"], market="eth_1h").trials == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"names": []}, "candidates"),
        ({"lineage": ""}, "lineage"),
        ({"lineage": "a b"}, "lineage"),
        ({"start": START, "end": START}, "end after it starts"),
        ({"start": -1}, "start_ns"),
        ({"end": 2**63}, "end_ns"),
        ({"start": 0.5}, "start_ns"),
    ],
)
def test_what_is_no_window_or_no_candidate_opens_nothing(ledger: Ledger, change: dict[str, object], said: str) -> None:
    with pytest.raises(ForwardWindowError, match=said):
        opened(ledger, **change)  # type: ignore[arg-type]
    assert openings(ledger, MARKET) == ()


def test_names_of_candidates_are_not_their_hashes(ledger: Ledger) -> None:
    with pytest.raises(ForwardWindowError, match=r"candidates\.0"):
        open_window(
            ledger, MARKET, start_ns=0, end_ns=1, lineage="l", candidates=["best model"], reason="why", actor="ada"
        )


def test_nobody_opens_without_saying_who_he_is(ledger: Ledger) -> None:
    with pytest.raises(EntryRefused, match="actor"):
        opened(ledger, actor=" ")


def test_a_stranger_s_entry_is_not_read_as_an_opening(ledger: Ledger) -> None:
    body = opened(ledger, market="eth_1h").recorded.request.model_dump(mode="json")
    for market, kind, said in (("btc_1h", "note", body), ("doge_1h", "opened", {"text": "hello"})):
        ledger.append(Entry(f"forward/{market}", "note", kind, said, "mallory"))
        with pytest.raises(ForwardWindowError):
            opened(ledger, market=market)


LOOK = st.tuples(
    st.sampled_from("lm"), st.integers(0, 6), st.integers(1, 4), st.sets(st.sampled_from("abc"), min_size=1)
)


@settings(max_examples=30)
@given(looks=st.lists(LOOK, max_size=12))
def test_no_lineage_ever_looks_twice_at_a_moment(looks: list[tuple[str, int, int, set[str]]]) -> None:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'ledger.sqlite'}"
        with open_ledger(url, clock=TickingClock(), anchors=None) as ledger:
            for lineage, start, length, names in looks:
                begin = START + start * WEEK
                try:
                    opening = opened(ledger, names, lineage=lineage, start=begin, end=begin + length * WEEK)
                except ForwardWindowSpent:
                    continue
                assert set(hashes(*names)) <= set(opening.candidates_seen)
            requests = [each.request for each in openings(ledger, MARKET)]
    for number, one in enumerate(requests):
        for other in requests[:number]:
            assert one.lineage != other.lineage or not one.overlaps(other)


OPENER = """
import sys
from datetime import UTC, datetime
from distill_platform.core.errors import ForwardWindowSpent
from distill_platform.store.ledger import open_ledger
from distill_platform_tests.models.test_forward_window import opened
url, lineage, name = sys.argv[1:]
with open_ledger(url, clock=lambda: datetime.now(UTC), anchors=None) as ledger:
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    sys.stdin.readline()
    try:
        sys.stdout.write(f"opened {opened(ledger, [name], lineage=lineage, actor=name).number}")
    except ForwardWindowSpent as error:
        sys.stdout.write(f"spent {error.number}")
"""


def race(url: str, arguments: list[tuple[str, str]]) -> list[str]:
    """Return what processes say that open at the same time, each with a lineage and a candidate of its own."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, url, *each],
            env=os.environ | {"PYTHONPATH": ROOT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for each in arguments
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(len(started)) as pool:
        return [out for out, _ in pool.map(lambda process: process.communicate("go\n", timeout=120), started)]


def try_to_open(url: str, number: int, lineage: str) -> str:
    with open_ledger(url, clock=lambda: datetime.now(UTC), anchors=None) as ledger:
        try:
            return f"opened {opened(ledger, [f'candidate{number}'], lineage=lineage).number}"
        except ForwardWindowSpent as error:
            return f"spent {error.number}"


def test_of_eight_that_open_one_lineage_s_window_at_once_one_wins(ledger: Ledger, ledger_url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda number: try_to_open(ledger_url, number, "lineage-1"), range(8)))
    assert sorted(said) == ["opened 1", *["spent 1"] * 7]
    assert len(openings(ledger, MARKET)) == 1


def test_of_eight_lineages_that_open_at_once_each_is_counted(ledger: Ledger, ledger_url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda number: try_to_open(ledger_url, number, f"lineage-{number}"), range(8)))
    assert sorted(said) == [f"opened {number}" for number in range(1, 9)]
    assert opened(ledger, ["candidate0"], lineage="lineage-0").trials == 8


@pytest.mark.slow
def test_of_eight_processes_that_open_one_lineage_s_window_one_wins(ledger: Ledger, ledger_url: str) -> None:
    said = race(ledger_url, [("lineage-1", f"candidate{number}") for number in range(8)])
    assert sorted(said) == ["opened 1", *["spent 1"] * 7]
    assert len(openings(ledger, MARKET)) == 1


@pytest.mark.slow
def test_of_eight_processes_of_eight_lineages_each_is_counted(ledger: Ledger, ledger_url: str) -> None:
    said = race(ledger_url, [(f"lineage-{number}", f"candidate{number}") for number in range(8)])
    assert sorted(said) == [f"opened {number}" for number in range(1, 9)]
    assert opened(ledger, ["candidate0"], lineage="lineage-0").trials == 8


KILLED = """
import os, signal, sys
from distill_platform.store.ledger import open_ledger
from distill_platform.testing.ledger_contract import TickingClock
from distill_platform_tests.models.test_forward_window import opened
with open_ledger(sys.argv[1], clock=TickingClock(), anchors=None) as ledger:
    opened(ledger)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_who_is_killed_after_opening_resumes_and_others_do_not_get_a_second_look(ledger_url: str) -> None:
    command = [sys.executable, "-c", KILLED, ledger_url]
    killed = subprocess.run(command, env=os.environ | {"PYTHONPATH": ROOT}, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2_000:]
    with open_ledger(ledger_url, clock=lambda: datetime.now(UTC), anchors=None) as ledger:
        assert opened(ledger).is_repeat
        with pytest.raises(ForwardWindowSpent):
            opened(ledger, ["c"])


def test_a_forged_opening_is_named_by_its_stream_and_number(ledger: Ledger) -> None:
    ledger.append(Entry("forward/btc", "turn-1", "opened", {"start_ns": 0}, "eve"))
    with pytest.raises(ForwardWindowError, match="revision 1 of forward/btc: a forward window is wrong at end_ns"):
        openings(ledger, "BTC")
