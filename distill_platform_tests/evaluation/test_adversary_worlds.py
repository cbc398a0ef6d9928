"""Worlds that ask for next to nothing: a run whose accounting is broken passes none of them, and stops no other run."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from distill_platform.strategies.bundles.sealing import write_bundle
from distill_platform.testing.bundles import sample_bundle
from distill_platform_tests.evaluation.lab import DAY, WORLD_ID, Lab, sealed_on


def lenient(document: dict[str, Any]) -> None:
    document["validation_profiles"] = {"backtest": {"data_currency": {"max_lag_s": 1e12}}}
    document["default_profile_by_stage"] = {"backtest_only": "backtest"}
    del document["stage_gates"]


def test_a_broken_run_passes_no_world_however_little_it_asks_and_stops_no_other_run(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.world(lenient)
    lab.hand_in(1)
    manifest, tables = sample_bundle(2, 400, world_id=WORLD_ID)
    pnl = tables["trades"].column("pnl").to_numpy() + 1e-4
    place = tables["trades"].column_names.index("pnl")
    spoiled = tables | {"trades": tables["trades"].set_column(place, "pnl", pa.array(pnl))}
    sealed_on(write_bundle(lab.inbox, manifest, spoiled), DAY)
    assert lab.evaluate() == [DAY]
    assert lab.verdict("run-1")["summary"]["status"] == "pass"
    broken = lab.verdict("run-2")
    assert broken["summary"]["status"] == "fail"
    assert broken["validation"]["results"][-1]["reason_code"] == "integrity_broken"
