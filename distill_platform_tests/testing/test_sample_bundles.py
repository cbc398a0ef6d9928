import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.stats import daily_returns_utc, sharpe_daily_annualized, utc_days
from distill_platform.strategies.bundles.repro import repro_hash
from distill_platform.strategies.bundles.tables import TABLES
from distill_platform.testing.bundles import sample_bundle, sample_manifest


@given(st.integers(0, 10_000), st.integers(1, 40), st.sampled_from([1, 2, 6, 24]), st.floats(0, 20))
@settings(max_examples=40)
def test_every_table_of_a_sample_agrees_with_its_steps(seed: int, days: int, per_day: int, cost_bps: float) -> None:
    manifest, tables = sample_bundle(seed, days, per_day, cost_bps=cost_bps)
    steps = {name: tables["steps"].column(name).to_numpy() for name in tables["steps"].column_names}
    net = steps["ret_net"]
    rest = steps["ret_gross"] - steps["fee"] - steps["slippage"] - steps["funding"] - net
    assert np.abs(rest).max() < 1e-15
    np.testing.assert_allclose(steps["fee"], steps["turnover"] * cost_bps * 1e-4)
    for name, total in (("pnl", net), ("fee", steps["fee"]), ("slippage", steps["slippage"])):
        np.testing.assert_allclose(tables["trades"].column(name).to_numpy().sum(), total.sum(), atol=1e-12)
    daily = daily_returns_utc(steps["ts_end"], net, fill_missing=False)
    np.testing.assert_allclose(tables["daily"].column("ret_net").to_numpy(), daily, atol=1e-12)
    assert tables["daily"].column("day").to_numpy().tolist() == np.unique(utc_days(steps["ts_end"])).tolist()
    assert tables["daily"].column("n_trades").to_numpy().sum() == tables["trades"].num_rows
    assert manifest.repro_hash == repro_hash(manifest)
    assert all(table.schema.equals(TABLES[name].columns) for name, table in tables.items())


@pytest.mark.parametrize("sharpe", [-2.0, 0.0, 1.0, 3.5])
def test_a_sample_has_the_sharpe_ratio_it_was_asked_for(sharpe: float) -> None:
    steps = sample_bundle(1, 750, sharpe=sharpe)[1]["steps"]
    found = sharpe_daily_annualized(steps.column("ts_end").to_numpy(), steps.column("ret_net").to_numpy())
    assert found == pytest.approx(sharpe, abs=1e-12)


def test_a_sample_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    assert sample_bundle(1, 30) == sample_bundle(1, 30)
    assert sample_bundle(1, 30)[1]["steps"] != sample_bundle(2, 30)[1]["steps"]


def test_a_manifest_can_be_changed_in_any_field() -> None:
    manifest = sample_manifest(run_id="mine", search={"declared_trials": 2, "trial_index": 0, "parameters": {}})
    assert (manifest.run_id, manifest.search.declared_trials) == ("mine", 2)
    assert manifest.repro_hash == repro_hash(manifest) != sample_manifest().repro_hash
    assert sample_manifest(repro_hash="0" * 64).repro_hash == "0" * 64
