"""Triage: what ails a run, and why a run that did nothing is not a safe one."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform_tests.evaluation.metrics.made import made, measure, sound

NOISE = np.random.default_rng(31).normal(0.001, 0.01, 600)
RISKLESS = ("returns.", "risk.", "robustness.", "wf.", "stress.", "regime.", "benchmark.")
SHOWS = np.arange(600) % 40 == 0

IDLE: dict[str, Callable[[], Bundle]] = {
    "never in the market": lambda: made(np.zeros(600), turnover=0.0, exposure=0.0),
    "one good day in forty": lambda: made(
        np.where(SHOWS, 0.01 + NOISE, 0.0), turnover=SHOWS * 1.0, exposure=SHOWS * 1.0, cost=0.0
    ),
    "a stake too small to lose anything": lambda: made(NOISE * 1e-5),
    "returns that never vary": lambda: made(np.full(600, 0.001)),
    "a single day": lambda: made([0.01]),
}


@pytest.mark.parametrize("kind", IDLE)
def test_no_activity_passes_as_no_risk(kind: str) -> None:
    """What a platform we know did: no trades, no drawdown, all limits kept."""
    found = measure(IDLE[kind]())
    assert found.metrics["triage.no_activity"] is True
    for name, value in found.metrics.items():
        if name.startswith(RISKLESS):
            assert value is None or (isinstance(value, float) and math.isnan(value)), name
    assert all(math.isnan(row.max_drawdown) for row in found.scenarios)
    assert "too little" in found.reason
    assert not found.is_measured


def test_holding_without_trading_is_activity() -> None:
    found = measure(made(NOISE, turnover=np.where(np.arange(600) == 0, 1.0, 0.0), cost=0.0))
    assert found.metrics["triage.no_activity"] is False
    assert math.isfinite(found.number("returns.max_drawdown"))


def test_a_volatility_below_the_floor_is_said() -> None:
    assert measure(made(NOISE * 1e-5)).metrics["sample.vol_floor_applied"] is True
    assert measure(made(NOISE)).metrics["sample.vol_floor_applied"] is False


def test_short_records_and_few_trades_are_starved() -> None:
    assert measure(sound(days=200)).metrics["triage.sample_starved"] is True
    assert measure(made(NOISE)).metrics["triage.sample_starved"] is True
    assert measure(sound(days=400)).metrics["triage.sample_starved"] is False


def test_no_trades_is_seen_with_and_without_a_table() -> None:
    idle = made(np.zeros(600), turnover=0.0, exposure=0.0)
    assert measure(replace(idle, trades=None)).metrics["triage.zero_trades"] is True
    empty = replace(made(NOISE), trades=made(NOISE).trades.slice(0, 0))
    assert measure(empty).metrics["triage.zero_trades"] is True
    assert measure(sound()).metrics["triage.zero_trades"] is False


@pytest.mark.parametrize(
    ("gross", "cost", "dominates"),
    [(2e-3, 4e-4, False), (2e-3, 6e-4, True), (-1e-3, 4e-4, False), (-1e-3, 6e-4, True), (5e-4, 1e-3, True)],
)  # fmt: skip
def test_friction_dominates_what_it_eats_half_of(gross: float, cost: float, dominates: bool) -> None:
    noise = NOISE - NOISE.mean()
    found = measure(made(noise + gross - 2 * cost, cost=cost))
    assert found.metrics["triage.friction_dominates"] is dominates


def test_nothing_stands_out_in_a_good_run() -> None:
    assert measure(sound(days=400)).reason == "Nothing stands out at first sight."
