"""Pruning stops the bad ones early, never the best one, and looks at nothing but values."""

import math
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, strategies as st

from distill_platform.models.search.coordinator import Searched
from distill_platform.models.search.objective import ObjectiveSettings, TrialMeasure
from distill_platform.models.search.pruning import survivors
from distill_platform.models.search.space import Parameters
from distill_platform.models.search.trial import TrialState
from distill_platform_tests.models.search.valley import Here, plan, search_here

OBJECTIVE = ObjectiveSettings()
MEASURES = st.builds(TrialMeasure, st.floats(-1, 1), st.floats(0, 1), st.floats(0, 0.1), st.floats(0, 8))


@dataclass(frozen=True)
class Planted:
    """A flat one is bad on every rung; among the steep ones the deeper is the better."""

    lineage_id: str = "valley"
    searchable: frozenset[str] = frozenset({"depth", "rate", "kind"})

    def __call__(self, parameters: Parameters, rung: int) -> TrialMeasure:
        good = 0.0 if parameters["kind"] == "flat" else 1.0
        return TrialMeasure(good + float(parameters["depth"]) / 100 + rung / 1000, 0.1, 0.0, 1.0)


def searched(path: Path, keep: float) -> tuple[Searched, int]:
    here = Here(Planted())
    return search_here(path, plan(40, 8, rungs=3, keep=keep), here), len(here.looks)


def test_planted_bad_ones_are_pruned_and_the_best_of_each_batch_never(tmp_path: Path) -> None:
    found, _ = searched(tmp_path / "trials.jsonl", keep=0.5)
    batches = [[trial for trial in found.trials if trial.batch == batch] for batch in range(5)]
    for batch in batches:
        steep = [trial for trial in batch if trial.parameters["kind"] == "steep"]
        assert len([trial for trial in batch if trial.state is TrialState.FINISHED]) == 2
        best = max(steep or batch, key=lambda trial: trial.parameters["depth"])
        assert any(
            trial.state is TrialState.FINISHED and trial.parameters["depth"] == best.parameters["depth"]
            for trial in batch
        )
        if len(steep) >= 4:
            flat = [trial for trial in batch if trial.parameters["kind"] == "flat"]
            assert {(trial.state, len(trial.rungs)) for trial in flat} <= {(TrialState.PRUNED, 1)}


def test_the_work_it_says_to_have_saved_was_not_done(tmp_path: Path) -> None:
    pruned, looks = searched(tmp_path / "pruned.jsonl", keep=0.5)
    whole, all_looks = searched(tmp_path / "whole.jsonl", keep=1.0)
    assert (pruned.work.measured, whole.work.measured) == (looks, all_looks)
    assert whole.work.saved == 0
    assert 0.35 < pruned.work.saved < 0.45  # of 8 trials 8 + 4 + 2 rungs instead of 24


@given(st.lists(MEASURES, min_size=1, max_size=20), st.floats(0.01, 1))
def test_the_best_always_climbs_on(measures: list[TrialMeasure], keep: float) -> None:
    numbered = dict(enumerate(measures))
    kept = survivors(numbered, OBJECTIVE, keep)
    assert len(kept) == max(1, math.ceil(keep * len(measures) - 1e-9))
    feasible = [number for number in numbered if OBJECTIVE.violation(numbered[number]) == 0]
    if feasible:
        best = max(feasible, key=lambda number: (OBJECTIVE.value(numbered[number]), -number))
        assert best in kept


@given(st.dictionaries(st.integers(0, 99), MEASURES, max_size=20), st.floats(0.01, 1), st.randoms())
def test_the_order_in_which_values_came_changes_nothing(
    measures: dict[int, TrialMeasure], keep: float, random: Random
) -> None:
    items = list(measures.items())
    random.shuffle(items)
    assert survivors(dict(items), OBJECTIVE, keep) == survivors(measures, OBJECTIVE, keep)


@given(MEASURES, MEASURES)
def test_one_within_its_limits_outlives_any_that_is_not(one: TrialMeasure, other: TrialMeasure) -> None:
    if OBJECTIVE.violation(one) == 0 < OBJECTIVE.violation(other):
        assert survivors({1: other, 2: one}, OBJECTIVE, 0.5) == [2]


@pytest.mark.parametrize(("count", "keep", "kept"), [(30, 0.1, 3), (8, 0.5, 4), (3, 0.5, 2), (1, 0.01, 1), (5, 1.0, 5)])
def test_the_share_that_is_kept_is_rounded_up_and_no_further(count: int, keep: float, kept: int) -> None:
    measures = {number: TrialMeasure(number / 100, 0.1, 0.0, 1.0) for number in range(count)}
    assert survivors(measures, OBJECTIVE, keep) == list(range(count - kept, count))
