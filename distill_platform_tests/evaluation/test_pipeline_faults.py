"""Judging that is cut off anywhere and begun again comes to what it would have come to undisturbed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from distill_platform_tests.evaluation.lab import DAY, NEXT_DAY, Lab

ROOT = Path(__file__).parents[2]
State = tuple[dict[str, bytes], dict[str, bytes], dict[str, int]]


class PulledPlug(BaseException):
    """What a test raises where a process would have died."""


def filled(folder: Path) -> Lab:
    """Two days of one search, with a failure and a run that takes its place."""
    lab = Lab(folder)
    lab.hand_in(1, run_id="loser", sharpe=-1.0, days=300)
    lab.hand_in(2, NEXT_DAY, run_id="winner", sharpe=4.0, days=300, supersedes="loser")
    return lab


def state(lab: Lab) -> State:
    return lab.manifests(), lab.reports(), lab.ledger_heads()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[State, int]:
    """What comes out when nobody disturbs it, and in how many steps."""
    lab = filled(tmp_path_factory.mktemp("undisturbed"))
    taken: list[str] = []
    lab.evaluate(on_step=taken.append)
    return state(lab), len(taken)


def cut_off(lab: Lab, at: int) -> bool:
    """Judge until the given step of all writes, and say whether it came that far."""
    left = at

    def pull(_: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise PulledPlug

    try:
        lab.evaluate(on_step=pull)
    except PulledPlug:
        return True
    return False


@pytest.mark.parametrize("share", [0.1, 0.6, 0.97])
def test_cut_off_somewhere_and_begun_again(tmp_path: Path, undisturbed: tuple[State, int], share: float) -> None:
    expected, steps = undisturbed
    lab = filled(tmp_path)
    assert cut_off(lab, int(share * steps))
    lab.evaluate()
    assert state(lab) == expected
    assert lab.waiting() == []


@pytest.mark.slow
def test_cut_off_at_any_step_and_begun_again(tmp_path: Path, undisturbed: tuple[State, int]) -> None:
    expected, steps = undisturbed
    for at in range(5, steps, 13):
        lab = filled(tmp_path / str(at))
        assert cut_off(lab, at)
        lab.evaluate()
        assert state(lab) == expected, at


@pytest.mark.slow
def test_cut_off_again_and_again_in_the_same_place_it_still_comes_to_the_same(
    tmp_path: Path, undisturbed: tuple[State, int]
) -> None:
    lab = filled(tmp_path)
    for at in (10, 10, 30, 30, 50):
        cut_off(lab, at)
    lab.evaluate()
    assert state(lab) == undisturbed[0]


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_killed_process_leaves_nothing_that_the_next_one_cannot_mend(
    tmp_path: Path, undisturbed: tuple[State, int], share: float
) -> None:
    expected, steps = undisturbed
    lab = filled(tmp_path)
    code = f"""
import os
from pathlib import Path
from distill_platform_tests.evaluation.lab import Lab
left = {int(share * steps)}
def die(_):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
Lab(Path({str(tmp_path)!r})).evaluate(on_step=die)
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 9
    lab.evaluate()
    assert state(lab) == expected


@pytest.mark.slow
def test_two_processes_at_once_do_not_disturb_each_other(tmp_path: Path, undisturbed: tuple[State, int]) -> None:
    lab = filled(tmp_path)
    code = f"from pathlib import Path; from distill_platform_tests.evaluation.lab import Lab; Lab(Path({str(tmp_path)!r})).evaluate({DAY!r}, {NEXT_DAY!r})"  # noqa: E501
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE) for _ in range(2)]
    ended = [(process.communicate()[1].decode()[-300:], process.returncode) for process in both]
    assert any(code == 0 for _, code in ended), ended
    lab.evaluate()
    assert state(lab) == undisturbed[0]
