"""Node contributions: a part that adds something is told from one that does not, and from one that only seems to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from distill_platform.evaluation.contributions import AblatedRun, cohort_contributions, node_contributions
from distill_platform.stats import sharpe
from distill_platform.testing.bundles import sample_manifest
from distill_platform_tests.evaluation.made_trials import FIRST_DAY

DICE = np.random.default_rng(8)
NOISE = DICE.normal(0.0003, 0.01, 1000)
EDGE = DICE.normal(0.001, 0.002, 1000)
YEARLY = math.sqrt(365)


def run(
    run_id: str, net: Any, parent: str | None = None, days: Any = None, market: Any = None, **spec: Any
) -> AblatedRun:
    sealed = {"target": spec, "stub": "constant"} if spec else None
    manifest = sample_manifest(run_id=run_id, parent_run_id=parent, ablation_spec=sealed)
    series = np.asarray(net, dtype=np.float64)
    when = FIRST_DAY + np.arange(len(series)) if days is None else days
    return AblatedRun(manifest, when, series, NOISE[: len(series)] if market is None else market)


BASE = run("base", NOISE + EDGE)


def test_a_part_with_an_edge_is_seen_for_sure() -> None:
    (found,) = node_contributions(BASE, [run("without", NOISE, "base", group="momentum")])
    assert (found.kind, found.part, found.stub, found.n_days) == ("group", "momentum", "constant", 1000)
    assert found.mean == pytest.approx(EDGE.mean())
    assert found.sharpe == pytest.approx((sharpe(NOISE + EDGE) - sharpe(NOISE)) * YEARLY)
    assert 0 < found.low < found.sharpe < found.high
    assert 0 < found.mean_low < found.mean < found.mean_high


def test_a_part_that_changes_nothing_adds_nothing() -> None:
    (found,) = node_contributions(BASE, [run("same", NOISE + EDGE, "base", node="limits")])
    assert (found.mean, found.mean_low, found.mean_high) == (0.0, 0.0, 0.0)
    assert (found.sharpe, found.low, found.high) == (0.0, 0.0, 0.0)


def test_a_part_that_only_adds_noise_proves_nothing() -> None:
    (found,) = node_contributions(BASE, [run("without", NOISE + EDGE + DICE.normal(0, 0.003, 1000), "base", node="x")])
    assert found.low < 0 < found.high


def test_without_the_part_nothing_is_held() -> None:
    (found,) = node_contributions(BASE, [run("nothing", np.zeros(1000), "base", node="signal")])
    assert found.sharpe == pytest.approx(sharpe(NOISE + EDGE) * YEARLY)
    assert found.low > 0


def test_a_constant_that_is_not_nothing_has_no_ratio() -> None:
    (found,) = node_contributions(BASE, [run("strange", np.full(1000, 0.001), "base", node="signal")])
    assert math.isnan(found.sharpe)
    assert math.isfinite(found.mean)


def test_only_the_runs_own_variants_count() -> None:
    others = [
        run("elsewhere", NOISE, "other", node="x"),
        run("child", NOISE, "base"),
        run("alone", NOISE, None, node="x"),
        run("mine", NOISE, "base", node="x"),
    ]
    assert [found.run_id for found in node_contributions(BASE, others)] == ["mine"]


def test_runs_are_compared_on_common_days() -> None:
    late = run("late", NOISE[400:], "base", days=FIRST_DAY + np.arange(400, 1000), node="x")
    (found,) = node_contributions(BASE, [late])
    assert found.n_days == 600
    assert found.mean == pytest.approx(EDGE[400:].mean())
    short = run("short", NOISE[:59], "base", node="x")
    (found,) = node_contributions(BASE, [short])
    assert math.isnan(found.sharpe)
    assert math.isnan(found.mean_low)


def test_a_part_that_works_in_one_regime_only_is_named() -> None:
    """Calm, then wild days: the part earns on wild days and loses on calm ones."""
    market = np.concatenate([DICE.normal(0, 0.005, 500), DICE.normal(0, 0.02, 500)])
    part = np.where(np.arange(1000) < 530, -0.0005, 0.004) + DICE.normal(0, 0.001, 1000)
    bases = [run(f"base-{n}", NOISE + part, market=market) for n in range(3)]
    found = [
        each
        for base in bases
        for each in node_contributions(base, [run("w", NOISE, base.manifest.run_id, group="breakout")])
    ]
    (whole,) = cohort_contributions(found)
    assert (whole.n, whole.positive, whole.proven) == (3, 1.0, 1.0)
    by_regime = dict(whole.by_regime)
    assert by_regime["low_vol"] < 0 < by_regime["high_vol"]
    assert "low_vol" not in whole.helps_only_in
    assert "high_vol" in whole.helps_only_in


def test_parts_that_could_not_be_compared_do_not_count_in_the_cohort() -> None:
    found = node_contributions(BASE, [run("short", NOISE[:30], "base", node="x")])
    assert cohort_contributions(found) == ()


def test_the_order_of_runs_does_not_matter() -> None:
    runs = [run("b", NOISE, "base", node="x"), run("a", NOISE * 0.5, "base", group="y")]
    assert node_contributions(BASE, runs) == node_contributions(BASE, runs[::-1])


def test_a_specification_of_another_form_goes_by_its_hash() -> None:
    manifest = sample_manifest(run_id="odd", parent_run_id="base", ablation_spec={"without": ["x", "y"]})
    odd = AblatedRun(manifest, BASE.days, NOISE, NOISE)
    (found,) = node_contributions(BASE, [odd])
    assert (found.kind, len(found.part)) == ("spec", 12)
