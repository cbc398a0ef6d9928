"""One search is one list of trials, whoever measures it, in whatever order, and whatever goes wrong on the way."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.core.errors import ConfigError, SearchError
from distill_platform.models.search.coordinator import best, run_search
from distill_platform.models.search.objective import TrialMeasure
from distill_platform.models.search.space import Parameters
from distill_platform.models.search.trial import TrialState
from distill_platform.models.search.workers import usual_count
from distill_platform_tests.models.search.valley import Here, Valley, plan, search_here


def test_the_search_finds_the_valley(tmp_path: Path) -> None:
    found = search_here(tmp_path / "trials.jsonl", plan(120, 8), Here(Valley()))
    ((trial, value),) = best(found.trials, 1)
    assert trial.parameters["kind"] == "steep"
    assert trial.parameters["depth"] in (6, 7)
    assert value > 0.75


@settings(max_examples=8)
@given(st.randoms(use_true_random=False))
def test_whoever_is_first_changes_nothing(tmp_path_factory: pytest.TempPathFactory, order: Random) -> None:
    folder = tmp_path_factory.mktemp("search")
    usual = search_here(folder / "usual.jsonl", plan(), Here(Valley()))
    other = search_here(folder / "other.jsonl", plan(), Here(Valley(), order))
    assert usual.sha256 == other.sha256
    assert (folder / "usual.jsonl").read_bytes() == (folder / "other.jsonl").read_bytes()


def test_another_seed_is_another_search(tmp_path: Path) -> None:
    lists = [search_here(tmp_path / f"{seed}", plan(seed=seed), Here(Valley())).trials for seed in (1, 2)]
    assert [trial.parameters for trial in lists[0]] != [trial.parameters for trial in lists[1]]


@dataclass(frozen=True)
class Broken:
    """Goes wrong for every other depth."""

    wrong: Callable[[int], TrialMeasure]
    lineage_id: str = "valley"
    searchable: frozenset[str] = frozenset({"depth", "rate", "kind"})

    def __call__(self, parameters: Parameters, rung: int) -> TrialMeasure:
        if float(parameters["depth"]) % 2:
            return self.wrong(rung)
        return Valley()(parameters, rung)


def raising(rung: int) -> TrialMeasure:
    raise ZeroDivisionError("by zero")


WRONG: dict[str, tuple[Callable[[int], TrialMeasure], str]] = {
    "raises": (raising, "raised ZeroDivisionError"),
    "NaN": (lambda rung: TrialMeasure(math.nan, 0.1, 0.0, 1.0), "measure is not finite, or out of its range"),
    "infinite": (lambda rung: TrialMeasure(math.inf, 0.1, 0.0, 1.0), "measure is not finite, or out of its range"),
    "NaN drawdown": (lambda rung: TrialMeasure(9.0, math.nan, 0.0, 1.0), "measure is not finite, or out of its range"),
    "no measure": (lambda rung: 1.0, "gave float, no measure"),  # type: ignore[return-value, dict-item]
    "fails late": (
        lambda rung: TrialMeasure(9.0, 0.1, 0.0, 1.0) if rung < 2 else raising(rung),
        "raised ZeroDivisionError",
    ),
}


@pytest.mark.parametrize(("wrong", "reason"), WRONG.values(), ids=WRONG)
def test_what_has_no_value_has_failed_and_is_never_the_best(
    wrong: Callable[[int], TrialMeasure], reason: str, tmp_path: Path
) -> None:
    found = search_here(tmp_path / "trials.jsonl", plan(), Here(Broken(wrong)))
    failed = [trial for trial in found.trials if trial.state is TrialState.FAILED]
    assert len(found.trials) == 24
    assert failed
    assert {trial.reason for trial in failed} == {reason}
    assert all(trial.parameters["depth"] % 2 and trial.value is None for trial in failed)
    assert all(trial.parameters["depth"] % 2 == 0 for trial, _ in best(found.trials, 24))
    same = search_here(tmp_path / "again.jsonl", plan(), Here(Broken(wrong), Random(5)))
    assert same.sha256 == found.sha256


def test_a_search_of_which_all_failed_has_no_best(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Hopeless(Valley):
        def __call__(self, parameters: Parameters, rung: int) -> TrialMeasure:
            raise ValueError("no")

    found = search_here(tmp_path / "trials.jsonl", plan(), Here(Hopeless()))
    assert Counter(trial.state for trial in found.trials) == {TrialState.FAILED: 24}
    assert best(found.trials, 3) == []


def test_what_breaks_a_limit_is_never_the_best(tmp_path: Path) -> None:
    one = plan(60, 6, rungs=1)
    strict = replace(one, objective=one.objective.model_copy(update={"max_drawdown": 0.2}))
    found = search_here(tmp_path / "trials.jsonl", strict, Here(Valley()))
    top = best(found.trials, 60)
    assert top
    assert all(trial.parameters["depth"] <= 3 for trial, _ in top), "deeper ones draw down more than 20 %"
    beyond = [trial for trial in found.trials if trial.parameters["depth"] > 3]
    assert beyond
    assert max(trial.value or 0 for trial in beyond) > top[0][1], "and would be worth more"


def test_the_sampler_learns_the_limits(tmp_path: Path) -> None:
    one = plan(96, 6, rungs=1)
    strict = replace(one, objective=one.objective.model_copy(update={"max_drawdown": 0.2}))
    found = search_here(tmp_path / "trials.jsonl", strict, Here(Valley()))
    kept = [trial.is_eligible for trial in found.trials]
    assert sum(kept[48:]) > 2 * sum(kept[:24])


def test_the_same_point_is_never_measured_twice(tmp_path: Path) -> None:
    small = plan(60, 6)
    tiny = {name: small.space.parameters[name].model_copy() for name in ("depth", "kind")}
    found_here = Here(Tiny())
    space = small.space.model_copy(update={"parameters": tiny})
    found = search_here(tmp_path / "trials.jsonl", replace(small, space=space), found_here)
    points = {tuple(sorted(trial.parameters.items())) for trial in found.trials}
    assert len(points) < 24 < len(found.trials)
    assert len(found_here.looks) == found.work.measured <= 3 * len(points)


@dataclass(frozen=True)
class Tiny(Valley):
    def __call__(self, parameters: Parameters, rung: int) -> TrialMeasure:
        return super().__call__({**parameters, "rate": 0.03}, rung)


def test_points_to_start_with_are_tried_first(tmp_path: Path) -> None:
    starts = tuple({"depth": depth, "rate": 0.5, "kind": "flat"} for depth in range(1, 9))
    found = search_here(tmp_path / "trials.jsonl", replace(plan(), starts=starts), Here(Valley()))
    assert tuple(trial.parameters for trial in found.trials[:8]) == starts


def test_a_search_knows_which_evaluation_it_is_of(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="another evaluation"):
        run_search(plan(), Valley(lineage_id="hill"), tmp_path / "trials.jsonl", 1)
    with pytest.raises(ConfigError, match="'rate'"):
        run_search(plan(), Valley(searchable=frozenset({"depth", "kind"})), tmp_path / "trials.jsonl", 1)
    assert list(tmp_path.iterdir()) == []


def test_there_is_always_at_least_one_worker() -> None:
    assert usual_count() >= 1
