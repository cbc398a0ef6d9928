"""A run is assessed in memory as it would be judged in the lake: beside its search, by its world, and for release."""

from dataclasses import replace
from functools import lru_cache

import pytest

from distill_platform.core.errors import ConfigError
from distill_platform.evaluation.assessing import Assessment, assess, verdict
from distill_platform.evaluation.regression.cohorts import HandedIn, handed_in
from distill_platform.evaluation.regression.truths import Truth
from distill_platform.policy.words import Severity, Status
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.words import DataRegime
from distill_platform_tests.evaluation.worlds import world

DSR = "robustness.deflated_sharpe_ratio"


@lru_cache
def given(truth: Truth) -> HandedIn:
    return handed_in(truth, world(), 7, 0)


def assessed(truth: Truth) -> Assessment:
    return assess(given(truth).judged, given(truth).bundles[1:], world())


def declared(bundle: Bundle, **changed: object) -> Bundle:
    return replace(bundle, manifest=bundle.manifest.model_copy(update=changed))


def test_what_was_tried_beside_a_run_counts_against_it() -> None:
    judged, beside = given(Truth.OVERFIT).judged, given(Truth.OVERFIT).bundles[1:]
    search = judged.manifest.search.model_copy(update={"declared_trials": 1, "trial_index": 0})
    alone, among = assess(declared(judged, search=search), [], world()), assess(judged, beside, world())
    assert alone.metrics["robustness.n_trials"] == 1
    assert among.metrics["robustness.n_trials"] > len(beside)
    assert among.metrics[DSR] < alone.metrics[DSR]


def test_a_good_run_passes_its_world_and_counts_for_release() -> None:
    said = verdict(assessed(Truth.GOOD), world())
    assert said.summary.status is not Status.FAIL
    assert said.release.counts


def test_a_closed_gate_is_a_blocking_failure() -> None:
    said = verdict(assessed(Truth.COST_FREE), world())
    assert said.summary.status is Status.FAIL
    closed = [result for result in said.results if result.rule == "stage_gates"]
    assert [result.severity for result in closed] == [Severity.BLOCKING]


def test_a_run_of_replayed_data_is_monitored_only() -> None:
    replayed = declared(given(Truth.GOOD).judged, data_regime=DataRegime.MAINTENANCE_REPLAY)
    said = verdict(assess(replayed, [], world()), world())
    assert not said.release.counts
    assert "monitor_only" in [result.reason_code for result in said.results]


def test_a_run_of_another_world_is_not_judged_by_this_one() -> None:
    stranger = declared(given(Truth.GOOD).judged, world_id="elsewhere")
    with pytest.raises(ConfigError, match="is of world elsewhere, not of"):
        assess(stranger, [], world())


def test_of_broken_accounting_nothing_is_left_but_what_says_so() -> None:
    metrics = assessed(Truth.COST_FREE).metrics
    assert metrics["triage.integrity_broken"] is True
    assert DSR not in metrics
