"""Trials: every run counts, whatever became of it, and nothing that is handed in makes the count smaller."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import TrialError
from distill_platform.evaluation.trials import TrialRecord, distinct_trials, honest_trials, trial_of
from distill_platform.stats import daily_returns_utc, sharpe
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.content import content_sha256
from distill_platform.testing.bundles import sample_bundle
from distill_platform_tests.evaluation.made_trials import digest, trial

runs = st.builds(
    lambda number, **changes: trial(f"run-{number}", **changes),
    st.integers(0, 10**6),
    content=st.sampled_from("abcdef"),
    campaign_id=st.sampled_from(["grid", "walk", "hand"]),
    declared_trials=st.integers(1, 8),
    trial_index=st.integers(0, 8),
    ablation=st.none() | st.just(digest("without momentum")),
    sound=st.booleans(),
    supersedes=st.none() | st.integers(0, 9).map(lambda number: f"run-{number}"),
)


def bundle_of(**changes: Any) -> Bundle:
    manifest, tables = sample_bundle(3, days=120, **changes)
    parts = {name: tables.get(name) for name in ("steps", "trades", "daily", "orders", "folds")}
    return Bundle(manifest, sha256=digest("bundle"), **parts)


def with_column(bundle: Bundle, name: str, values: Any) -> Bundle:
    place = bundle.steps.schema.get_field_index(name)
    steps = bundle.steps.set_column(place, bundle.steps.schema.field(place), pa.array(values))
    return Bundle(bundle.manifest, steps, bundle.trades, bundle.daily, bundle.orders, bundle.folds, bundle.sha256)


@given(st.lists(runs, max_size=12), runs)
def test_another_run_never_lowers_the_number_of_trials(records: list[TrialRecord], another: TrialRecord) -> None:
    assert honest_trials([*records, another]).n >= honest_trials(records).n


@given(st.lists(runs, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(records: list[TrialRecord], dice: random.Random) -> None:
    shuffled = dice.sample(records, len(records))
    assert honest_trials(shuffled) == honest_trials(records)


@given(st.lists(runs, min_size=1, max_size=8), st.integers(1, 20))
def test_one_run_handed_in_again_is_no_new_trial(records: list[TrialRecord], copies: int) -> None:
    again = [records[0].model_copy(update={"run_id": f"copy-{copy}"}) for copy in range(copies)]
    assert honest_trials([*records, *again]).n == honest_trials(records).n


@given(st.lists(runs, min_size=1, max_size=12))
def test_at_least_all_that_anybody_declared_or_handed_in_counts(records: list[TrialRecord]) -> None:
    count = honest_trials(records)
    assert count.n >= max(count.declared, count.distinct + count.ablations)
    assert count.n == sum(n for _, n in count.by_campaign) + count.ablations


def test_superseded_and_broken_runs_count() -> None:
    records = [trial("a", sound=False), trial("b", supersedes="a"), trial("c", supersedes="b", sharpe=None)]
    count = honest_trials(records)
    assert (count.n, count.superseded, count.broken) == (3, 2, 1)


def test_declared_trials_count_though_one_run_was_handed_in() -> None:
    assert honest_trials([trial("best", declared_trials=200, trial_index=17)]).n == 200


def test_a_trial_index_tells_of_trials_that_nobody_declared() -> None:
    assert honest_trials([trial("best", declared_trials=1, trial_index=99)]).n == 100


def test_campaigns_add_up_and_ablations_come_on_top() -> None:
    records = [
        trial("a", declared_trials=10),
        trial("b", campaign_id="walk", declared_trials=5),
        trial("c", ablation=digest("without momentum"), declared_trials=10),
        trial("d", ablation=digest("without trend"), declared_trials=10),
    ]
    count = honest_trials(records)
    assert (count.n, count.ablations, count.by_campaign) == (17, 2, (("grid", 10), ("walk", 5)))


def test_one_deterministic_run_counted_twenty_times() -> None:
    copies = [trial(f"copy-{number}", content="the one run") for number in range(20)]
    count = honest_trials(copies)
    assert (count.n, count.distinct, count.duplicates) == (1, 1, 19)
    assert [record.run_id for record in distinct_trials(copies)] == ["copy-0"]


def test_no_records_are_no_trials() -> None:
    assert honest_trials([]).n == 0


def test_a_record_survives_the_ledger() -> None:
    record = trial_of(bundle_of(), sound=True)
    assert TrialRecord.from_body(record.to_body()) == record
    assert record.to_body()["window"] == {"start": "2023-01-01T00:00:00Z", "end": "2023-05-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"shape": 1.0}, "Did you mean 'sharpe'"),
        ({"sharpe": float("nan")}, "wrong at sharpe"),
        ({"sharpe": "0.1"}, "wrong at sharpe"),
        ({"n_days": 1.5}, "wrong at n_days"),
        ({"stage": "dress rehearsal"}, "wrong at stage"),
        ({"declared_trials": 0}, "wrong at declared_trials"),
        ({"content_sha256": "abc"}, "wrong at content_sha256"),
        ({"window": {"start": "2020-01-01T00:00:00", "end": "2020-01-02T00:00:00Z"}}, "wrong at window.start"),
    ],
)
def test_a_body_that_nobody_wrote_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(TrialError, match=says):
        TrialRecord.from_body(trial("a").to_body() | change)


def test_a_body_must_be_whole() -> None:
    body = trial("a").to_body()
    del body["sound"]
    with pytest.raises(TrialError, match="wrong at sound"):
        TrialRecord.from_body(body)
    with pytest.raises(TrialError, match="wrong at its root"):
        TrialRecord.from_body([body])


def test_the_record_says_what_the_run_was_and_what_it_paid() -> None:
    bundle = bundle_of(cost_bps=2.5)
    record = trial_of(bundle, sound=False)
    daily = daily_returns_utc(bundle.steps["ts_end"].to_numpy(), bundle.steps["ret_net"].to_numpy(), fill_missing=False)
    assert record.sharpe == pytest.approx(sharpe(daily), rel=1e-12)
    assert (record.n_days, record.declared_trials, record.trial_index) == (120, 12, 3)
    assert (record.fee_bps, record.slippage_bps) == (pytest.approx(2.5), pytest.approx(2.5))
    assert (record.declared_fee_bps, record.declared_slippage_bps) == (2.5, 2.5)
    assert record.content_sha256 == content_sha256(bundle)
    assert (record.bundle_sha256, record.sound, record.ablation) == (digest("bundle"), False, None)


def test_an_ablation_is_known_by_what_it_leaves_out() -> None:
    without = trial_of(bundle_of(ablation_spec={"group": "features"}, parent_run_id="run-1"), sound=True)
    other = trial_of(bundle_of(ablation_spec={"group": "signals"}, parent_run_id="run-1"), sound=True)
    assert without.ablation != other.ablation
    assert (without.parent_run_id, len(str(without.ablation))) == ("run-1", 64)


def test_a_run_without_a_sharpe_ratio_is_a_trial_all_the_same() -> None:
    bundle = bundle_of()
    flat = trial_of(with_column(bundle, "ret_net", np.zeros(120)), sound=True)
    assert (flat.sharpe, flat.n_days) == (None, 120)
    wild = trial_of(with_column(bundle, "ret_net", np.full(120, np.nan)), sound=False)
    assert (wild.sharpe, wild.n_days) == (None, 0)
    idle = trial_of(with_column(bundle, "turnover", np.zeros(120)), sound=True)
    assert (idle.fee_bps, idle.slippage_bps) == (None, None)
    hidden = trial_of(with_column(bundle, "fee", np.append(np.zeros(119), np.nan)), sound=False)
    assert hidden.fee_bps is None


def test_a_cost_that_a_profile_says_in_its_own_way_is_not_guessed() -> None:
    profiles = {"fee": {"model": "tiered"}, "slippage": {"bps": "low"}, "fill": {}, "funding": {}}
    record = trial_of(bundle_of(profiles=profiles), sound=True)
    assert (record.declared_fee_bps, record.declared_slippage_bps) == (None, None)
