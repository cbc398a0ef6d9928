"""A verdict counts for a promotion where it is of this bundle, by today's rules, and with all trials counted."""

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pytest

from distill_platform.evaluation.stages.arrivals import receive
from distill_platform.evaluation.stages.measuring import measure_runs
from distill_platform.models.promotion.case import WorldVerdict
from distill_platform.models.promotion.verdict import world_verdict
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.reading import read_sealed
from distill_platform_tests.evaluation.lab import DAY, Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def bundle(lab: Lab, run_id: str) -> Bundle:
    return read_sealed(lab.inbox / run_id)


def said(lab: Lab, run_id: str, beside: Collection[str] = (), sha256: str = "") -> WorldVerdict | None:
    own = bundle(lab, run_id)
    candidates = {own.sha256, *(bundle(lab, other).sha256 for other in beside)}
    with lab.evaluation() as opened:
        world = opened.settings.worlds.known["toy"]
        return world_verdict(opened.ledger, own.manifest, sha256 or own.sha256, world, candidates)


def count_as_trials(lab: Lab) -> None:
    """Take in what lies in the inbox, without judging it."""
    with lab.evaluation() as opened:
        receive(opened)
        measure_runs(opened, ["evaluation_runs"], [DAY])


def test_a_run_that_was_judged_has_its_verdict(lab: Lab) -> None:
    run_id = lab.hand_in(1)
    assert said(lab, run_id) is None
    lab.judge()
    found = said(lab, run_id)
    assert found is not None
    assert (found.status, found.counts_for_release) == (lab.verdict(run_id)["summary"]["status"], True)
    assert found.gates.keys() >= {"stage0_integrity", "stage3_stress"}


def test_what_is_said_of_another_bundle_of_that_name_is_not_said_of_this_one(lab: Lab) -> None:
    run_id = lab.hand_in(1)
    lab.judge()
    assert said(lab, run_id, sha256="f" * 64) is None


def test_a_verdict_by_rules_that_were_loosened_or_tightened_since_is_none(lab: Lab) -> None:
    run_id = lab.hand_in(1)
    lab.judge()
    lab.world(lambda document: document["validation_profiles"]["backtest"]["performance"].update(min_sharpe=0.6))
    assert said(lab, run_id) is None
    lab.now += timedelta(minutes=1)
    lab.judge()
    assert said(lab, run_id) is not None


def test_a_verdict_that_has_not_seen_the_other_candidates_is_none_until_it_has(lab: Lab) -> None:
    first = lab.hand_in(1)
    lab.judge()
    second = lab.hand_in(2, sharpe=1.0)
    assert said(lab, first, beside=[second]) is None
    lab.now += timedelta(minutes=1)
    count_as_trials(lab)
    assert said(lab, first, beside=[second]) is None
    lab.now += timedelta(minutes=1)
    lab.judge()
    assert said(lab, first, beside=[second]) is not None
    assert said(lab, second, beside=[first]) is not None
