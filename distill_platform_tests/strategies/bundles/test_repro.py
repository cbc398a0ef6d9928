"""The repro hash covers what determines a run's numbers, and nothing else."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from distill_platform.core.errors import CanonError
from distill_platform.strategies.bundles.manifest import RunManifest
from distill_platform.strategies.bundles.repro import repro_hash

START, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)


def fields() -> dict[str, Any]:
    node = {
        "node_id": "prices", "semantic_role": "raw_input", "family": "prices", "ablation_group": None, "inputs": [],
        "params": {"column": "close"},
    }  # fmt: skip
    return {
        "schema_version": 1, "run_id": "run-1", "world_id": "world", "strategy_id": "momentum", "stage": "backtest",
        "run_source": "prod", "score_source": "heuristic", "data_regime": "maintenance_replay", "commit_sha": "abc",
        "code_version": "0.1.0", "data_preset": "ohlcv.sp500.daily", "dataset_fingerprint": "f" * 64, "as_of": END,
        "window": {"start": START, "end": END},
        "profiles": {"fee": {"bps": 1.0}, "slippage": {"bps": 2.0}, "fill": {"lot": 1.0}, "funding": {}},
        "seeds": {"search": 7}, "rounding": {"lots": "toward_zero"}, "cohort_id": "cohort", "campaign_id": "campaign",
        "search": {"declared_trials": 3, "trial_index": 0, "parameters": {"lookback": 20}}, "nodes": [node],
        "ablation_spec": None, "parent_run_id": None, "supersedes": None, "repro_hash": "0" * 64, "model": None,
        "ensemble_policy": None, "sizing": {"kind": "equal"},
    }  # fmt: skip


def hashed(**changes: Any) -> str:
    return repro_hash(RunManifest.model_validate(fields() | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"code_version": "0.1.1"},
        {"commit_sha": "abd"},
        {"data_preset": "other"},
        {"dataset_fingerprint": "e" * 64},
        {"window": {"start": START, "end": END - timedelta(days=1)}},
        {"profiles": fields()["profiles"] | {"fee": {"bps": 1.5}}},
        {"profiles": fields()["profiles"] | {"fee": {"bps": 1}}},
        {"seeds": {"search": 8}},
        {"rounding": {"lots": "nearest"}},
        {"nodes": []},
        {"ablation_spec": {"groups": ["trend"]}},
        {"sizing": {"kind": "equal", "cap": 0.1}},
        {"model": {"name": "m", "version": "1", "artifact_sha256": "a" * 64}},
        {"ensemble_policy": "mean"},
        {"search": {"declared_trials": 3, "trial_index": 0, "parameters": {"lookback": 21}}},
    ],
)
def test_whatever_changes_the_numbers_changes_the_hash(changes: dict[str, Any]) -> None:
    assert hashed(**changes) != hashed()


@pytest.mark.parametrize(
    "changes",
    [
        {"run_id": "run-2"},
        {"cohort_id": "other"},
        {"campaign_id": "other"},
        {"run_source": "smoke"},
        {"as_of": END + timedelta(days=9)},
        {"supersedes": "run-0"},
        {"repro_hash": "1" * 64},
        {"search": {"declared_trials": 9, "trial_index": 4, "parameters": {"lookback": 20}}},
        {"window": {"start": START.astimezone(timezone(timedelta(hours=2))), "end": END}},
    ],
)
def test_names_circumstances_and_the_way_a_moment_is_written_do_not(changes: dict[str, Any]) -> None:
    assert hashed(**changes) == hashed()


def test_the_order_of_keys_makes_no_difference() -> None:
    turned = dict(reversed(fields()["profiles"].items()))
    assert hashed(profiles=turned) == hashed()


def test_numbers_that_json_cannot_say_are_refused() -> None:
    with pytest.raises(CanonError, match="not a JSON number"):
        hashed(sizing={"cap": float("nan")})
