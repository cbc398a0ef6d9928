"""Workers: the same results in the same order on one process or two, and errors that come through whole."""

import os
import pickle
import signal
from collections.abc import Iterator

import pytest

from distill_platform.core.errors import (
    CanonError,
    ConfigError,
    CorruptDataset,
    DistillError,
    ExpressionError,
    LakeError,
    SourceError,
)
from distill_platform.core.workers import Workers

ERRORS = [
    DistillError("what", hint="what next"),
    ConfigError("wrong", file="a.yaml", line=3, column=7, hint="right"),
    ExpressionError("wrong", text="a == b", column=2, hint="right"),
    CanonError("malformed_json", "torn"),
    SourceError("gone", hint="look"),
    LakeError("full"),
    CorruptDataset("changed", hint="again"),
]


def square(number: int) -> int:
    return number * number


def fail(index: int) -> None:
    raise ERRORS[index]


def die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.fixture(scope="module")
def two() -> Iterator[Workers]:
    with Workers(2) as workers:
        yield workers


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_survives_the_way_between_processes(error: DistillError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_two_processes_give_the_same_results_in_the_same_order(two: Workers) -> None:
    assert list(two.map(square, range(50))) == list(Workers(1).map(square, range(50))) == [n * n for n in range(50)]
    assert list(two.map(square, [])) == []


@pytest.mark.parametrize("index", range(len(ERRORS)))
def test_an_error_in_a_worker_comes_out_as_it_was_raised(two: Workers, index: int) -> None:
    with pytest.raises(type(ERRORS[index])) as caught:
        list(two.map(fail, [index]))
    assert str(caught.value) == str(ERRORS[index])
    assert list(two.map(square, [3])) == [9]


def test_tasks_are_taken_as_they_are_needed_not_all_at_once(two: Workers) -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = two.map(square, tasks())
    assert next(results) == 0
    assert len(taken) <= 2 * two.count
    results.close()  # type: ignore[attr-defined]


def test_a_killed_worker_is_a_clear_error_and_the_next_call_works() -> None:
    with Workers(2) as workers:
        with pytest.raises(DistillError, match=r"worker process died.*more memory"):
            list(workers.map(die, range(6)))
        assert list(workers.map(square, [1, 2])) == [1, 4]


def test_one_worker_needs_no_process() -> None:
    def local(number: int) -> int:
        return number + os.getpid() * 0

    with Workers(0) as workers:
        assert workers.count == 1
        assert list(workers.map(local, [1, 2])) == [1, 2]
