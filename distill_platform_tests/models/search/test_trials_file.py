"""The file of trials: what is on it counts, what was cut off is put aside, and what was changed is found."""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import orjson
import pytest

from distill_platform.core import canon
from distill_platform.core.errors import DistillError, SearchError, TrialError
from distill_platform.models.search.coordinator import run_search
from distill_platform.models.search.trials_file import TrialsFile, read_trials
from distill_platform_tests.models.search.valley import Here, Valley, plan, search_here

PLAN = plan(12, 4)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("search") / "trials.jsonl"
    search_here(path, PLAN, Here(Valley()))
    return path.read_bytes()


def again(path: Path, raw: bytes) -> Here:
    """Go on with a file as it was found."""
    path.write_bytes(raw)
    here = Here(Valley())
    search_here(path, PLAN, here)
    return here


def test_every_line_holds_one_trial_and_no_time(whole: bytes) -> None:
    header, *lines = [orjson.loads(line) for line in whole.splitlines()]
    assert [line["number"] for line in lines] == list(range(12))
    assert {*header, *lines[0]} & {"time", "seconds", "duration", "pid", "lives"} == set()
    assert header["seed"] == 3
    assert all({"batch", "state", "parameters", "rungs", "value", "constraints"} <= line.keys() for line in lines)


@pytest.mark.parametrize("kept", range(13))
def test_a_search_killed_after_any_line_ends_in_the_same_bytes(whole: bytes, kept: int, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    here = again(path, b"".join(whole.splitlines(keepends=True)[: kept + 1]))
    assert path.read_bytes() == whole
    assert not {number for number, _ in here.looks} & set(range(kept)), "a finished trial was run again"


def test_a_search_cut_off_at_any_byte_ends_in_the_same_bytes(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    for end in Random(1).sample(range(len(whole)), 60):
        again(path, whole[:end])
        assert path.read_bytes() == whole


def test_a_torn_line_is_kept_aside_with_its_reason(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    again(path, whole[:-30])
    start = whole[:-1].rfind(b"\n") + 1
    torn = orjson.loads(path.with_suffix(".torn.jsonl").read_bytes())
    assert torn == {"reason": "torn_last_line", "at_byte": start, "bytes": whole[start:-30].hex()}


def test_a_file_that_is_done_measures_nothing_and_is_not_touched(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_bytes(whole)
    os.utime(path, ns=(1, 1))
    here = Here(Valley())
    search_here(path, PLAN, here)
    assert here.looks == []
    assert path.stat().st_mtime_ns == 1


def changed_digit(line: bytes) -> bytes:
    return line.replace(b'"turnover":1.0', b'"turnover":1.5')


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "a digit changed": changed_digit,
    "not JSON": lambda line: line[:40] + line[41:],
    "another value": lambda line: b'{"hello":1}',
    "no object": lambda line: b"[1]",
    "zeros": lambda line: b"\0" * len(line),
    "empty": lambda line: b"",
    "not UTF-8": lambda line: line[:10] + b"\xff" + line[10:],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("place", [1, 2, 7, 13])
def test_a_damaged_line_is_an_error_that_says_where(
    whole: bytes, damage: Callable[[bytes], bytes], place: int, tmp_path: Path
) -> None:
    lines = whole.splitlines()
    damaged = damage(lines[place - 1])
    if damaged == lines[place - 1]:
        pytest.skip("the header has no such digit")
    lines[place - 1] = damaged
    raw = b"\n".join(lines) + b"\n"
    with pytest.raises(TrialError, match=rf"trials.jsonl:{place}: "):
        again(tmp_path / "trials.jsonl", raw)
    assert (tmp_path / "trials.jsonl").read_bytes() == raw, "what was damaged is there to be looked at"


def test_a_trial_that_stands_twice_is_an_error(whole: bytes, tmp_path: Path) -> None:
    with pytest.raises(TrialError, match=r":14: trial 11 stands twice"):
        again(tmp_path / "trials.jsonl", whole + whole.splitlines(keepends=True)[-1])


def test_a_line_of_another_search_is_an_error(whole: bytes, tmp_path: Path) -> None:
    search_here(tmp_path / "other.jsonl", plan(12, 4, seed=4), Here(Valley()))
    foreign = (tmp_path / "other.jsonl").read_bytes().splitlines(keepends=True)[3]
    lines = whole.splitlines(keepends=True)
    lines[3] = foreign
    with pytest.raises(TrialError, match=r":4: the line was changed, or belongs to another search"):
        again(tmp_path / "trials.jsonl", b"".join(lines))


OTHERS = {"seed": plan(12, 4, seed=4), "batches": plan(12, 3), "pruning": plan(12, 4, keep=0.9)}


@pytest.mark.parametrize("key", OTHERS)
def test_a_search_never_goes_on_in_the_file_of_another(whole: bytes, key: str, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_bytes(whole)
    with pytest.raises(SearchError, match=f"another search: {key} is"):
        search_here(path, OTHERS[key], Here(Valley()))
    assert path.read_bytes() == whole


def test_a_search_that_is_not_done_is_not_read_as_one(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    with pytest.raises(SearchError, match="is missing"):
        read_trials(path)
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    with pytest.raises(SearchError, match="not done"):
        read_trials(path)


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(DistillError), TrialsFile.opened(Path("/dev/full/trials.jsonl"), PLAN):
        pass


def test_what_is_no_file_of_trials_is_refused_by_name(tmp_path: Path) -> None:
    header = {"format": 1}
    forged = tmp_path / "forged.jsonl"
    forged.write_bytes(canon.dumps({**header, "sha256": canon.sig_hash(["", header])}) + b"\n")
    with pytest.raises(TrialError, match=r"forged\.jsonl:1: the line is no header"):
        read_trials(forged)
    with pytest.raises(SearchError, match="cannot be read"):
        read_trials(tmp_path)
    with pytest.raises(SearchError, match="cannot be read"):
        run_search(plan(4, 4), Valley(), tmp_path, 1)


def test_an_evaluation_that_no_worker_can_be_sent_is_refused_by_name(tmp_path: Path) -> None:
    class Local(Valley):
        pass

    with pytest.raises(SearchError, match="cannot be sent to a worker"):
        run_search(plan(4, 4), Local(), tmp_path / "trials.jsonl", 1)
