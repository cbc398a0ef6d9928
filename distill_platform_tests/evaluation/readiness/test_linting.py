from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from distill_platform.evaluation.readiness import Finding, Level, lint, lint_folder
from distill_platform.policy.world import World, load_world
from distill_platform.strategies.bundles.reading import read_bundle
from distill_platform.strategies.bundles.sealing import write_bundle
from distill_platform.strategies.bundles.tables import COMPLETE, MANIFEST
from distill_platform.testing.bundles import sample_bundle, sample_manifest
from distill_platform_tests.strategies.bundles.builders import NOW, sealed, with_manifest, with_table

ROOT = Path(__file__).parents[3]
WORLD = load_world(ROOT / "config/worlds/us_equity_daily.yaml")
WORLDS: dict[str, World] = {WORLD.world_id: WORLD}
TABLES = sample_bundle(5, 300)[1]
Change = Callable[[dict[str, Any]], object]


def ready(inbox: Path, **changes: Any) -> Path:
    """Write a bundle that lacks nothing."""
    return write_bundle(inbox, *sample_bundle(5, 300, **changes))


def found_in(folder: Path) -> dict[str, Finding]:
    return {finding.code: finding for finding in lint_folder(folder, WORLDS, NOW)}


def test_a_bundle_that_lacks_nothing_has_no_findings(tmp_path: Path) -> None:
    folder = ready(tmp_path)
    assert lint_folder(folder, WORLDS, NOW) == []
    assert lint(read_bundle(folder, now=NOW), WORLDS) == []


def test_a_bundle_is_looked_at_before_it_is_sealed(tmp_path: Path) -> None:
    folder = ready(tmp_path)
    (folder / COMPLETE).unlink()
    (finding,) = lint_folder(folder, WORLDS, NOW)
    assert (finding.code, finding.level) == ("not_sealed", Level.WARNING)
    assert f"distill seal {folder}" in finding.quick_fix
    assert not (folder / COMPLETE).exists()


PROFILES: dict[str, Any] = sample_manifest().profiles.model_dump()
NODES: list[dict[str, Any]] = sample_manifest().model_dump(mode="json")["nodes"]
SEARCH: dict[str, Any] = sample_manifest().search.model_dump()
DESCRIBED: list[tuple[str, Level, dict[str, Any]]] = [
    ("unknown_world", Level.ERROR, {"world_id": "us_equity_dayly"}),
    ("preset_not_in_world", Level.WARNING, {"data_preset": "ohlcv.sp500"}),
    ("preset_not_in_world", Level.WARNING, {"data_preset": ""}),
    ("fingerprint_missing", Level.ERROR, {"dataset_fingerprint": " "}),
    ("profile_without_numbers", Level.ERROR, {"profiles": {**PROFILES, "fee": {"model": "linear"}}}),
    ("profile_without_numbers", Level.ERROR, {"profiles": {**PROFILES, "slippage": {"on": True}}}),
    ("profile_without_numbers", Level.ERROR, {"profiles": {**PROFILES, "funding": {}}}),
    ("repro_hash_unconfirmed", Level.WARNING, {"repro_hash": "0" * 64}),
    ("single_trial", Level.WARNING, {"search": {**SEARCH, "declared_trials": 1, "trial_index": 0}}),
    ("parameters_missing", Level.WARNING, {"search": {**SEARCH, "parameters": {}}}),
    ("commit_unknown", Level.WARNING, {"commit_sha": "dirty"}),
    ("monitor_only", Level.WARNING, {"run_source": "smoke"}),
    ("monitor_only", Level.WARNING, {"data_regime": "mixed"}),
    ("nodes_missing", Level.WARNING, {"nodes": []}),
    ("signal_missing", Level.WARNING, {"nodes": [{**NODES[0], "ablation_group": "a"}]}),
    ("intent_missing", Level.WARNING, {"nodes": [{**NODES[0], "ablation_group": "a"}]}),
    ("family_missing", Level.WARNING, {"nodes": [{**node, "family": ""} for node in NODES]}),
    ("ablation_groups_missing", Level.WARNING, {"nodes": [{**node, "ablation_group": None} for node in NODES]}),
    ("model_missing", Level.WARNING, {"model": None}),
]


@pytest.mark.parametrize(("code", "level", "changes"), DESCRIBED, ids=[case[0] for case in DESCRIBED])
def test_what_a_manifest_lacks_is_named(tmp_path: Path, code: str, level: Level, changes: dict[str, Any]) -> None:
    finding = found_in(ready(tmp_path, **changes))[code]
    assert finding.level is level
    assert finding.message
    assert finding.quick_fix


RECORDED: list[tuple[str, Level, str, str, float]] = [
    ("no_activity", Level.ERROR, "turnover", "zero", 0.0),
    ("fee_zero", Level.ERROR, "fee", "zero", 0.0),
    ("fee_below_world", Level.WARNING, "fee", "half", 0.5),
    ("slippage_below_world", Level.WARNING, "slippage", "half", 0.5),
]


@pytest.mark.parametrize(("code", "level", "column", "_", "factor"), RECORDED, ids=[case[0] for case in RECORDED])
def test_costs_below_those_of_the_world_are_named(
    tmp_path: Path, code: str, level: Level, column: str, _: str, factor: float
) -> None:
    steps = TABLES["steps"]
    values = pa.array(steps.column(column).to_numpy() * factor)
    folder = with_table(ready(tmp_path), "steps", steps.set_column(steps.column_names.index(column), column, values))
    assert found_in(folder)[code].level is level


def test_costs_of_the_world_and_above_are_not_named(tmp_path: Path) -> None:
    assert lint_folder(write_bundle(tmp_path, *sample_bundle(5, 300, cost_bps=1.5)), WORLDS, NOW) == []


@pytest.mark.parametrize(
    ("name", "level"),
    [("trades", Level.ERROR), ("daily", Level.WARNING), ("orders", Level.WARNING), ("folds", Level.WARNING)],
)
def test_a_missing_table_is_named_with_what_it_is_for(tmp_path: Path, name: str, level: Level) -> None:
    folder = ready(tmp_path)
    (folder / f"{name}.parquet").unlink()
    finding = found_in(sealed(folder))[f"{name}_missing"]
    assert finding.level is level
    assert "without it" in finding.message


def test_missing_columns_are_named(tmp_path: Path) -> None:
    folder = with_table(ready(tmp_path), "steps", TABLES["steps"].drop_columns(["benchmark_ret"]))
    assert "'benchmark_ret'" in found_in(folder)["column_missing"].message


@pytest.mark.parametrize(("days", "code", "level"), [(1, "too_few_days", "error"), (249, "few_days", "warning")])
def test_too_few_days_are_named(tmp_path: Path, days: int, code: str, level: str) -> None:
    assert found_in(write_bundle(tmp_path, *sample_bundle(5, days)))[code].level == level


def test_errors_come_first(tmp_path: Path) -> None:
    levels = [
        finding.level for finding in lint_folder(ready(tmp_path, nodes=[], commit_sha="", world_id="mars"), WORLDS, NOW)
    ]
    assert levels == sorted(levels)
    assert set(levels) == {Level.ERROR, Level.WARNING}


@pytest.mark.parametrize("unsealed", [True, False])
def test_what_no_reader_takes_is_the_one_finding(tmp_path: Path, unsealed: bool) -> None:
    folder = with_manifest(ready(tmp_path), lambda document: document.update(stratgy_id="x"))
    if unsealed:
        (folder / COMPLETE).unlink()
    (finding,) = lint_folder(folder, WORLDS, NOW)
    assert (finding.code, finding.level) == ("manifest_unknown_key", Level.ERROR)
    assert "strategy_id" in finding.quick_fix


def test_a_run_from_the_future_and_a_folder_that_is_none_are_findings(tmp_path: Path) -> None:
    folder = with_manifest(ready(tmp_path), lambda document: document.update(as_of="2099-01-01T00:00:00Z"))
    assert list(found_in(folder)) == ["future_dated"]
    assert list(found_in(folder / MANIFEST)) == ["not_a_folder"]


def test_nothing_traded_says_so_once(tmp_path: Path) -> None:
    steps = TABLES["steps"]
    still = steps.set_column(7, "turnover", pa.array(np.zeros(steps.num_rows)))
    codes = list(found_in(with_table(ready(tmp_path), "steps", still)))
    assert codes == ["no_activity"]
