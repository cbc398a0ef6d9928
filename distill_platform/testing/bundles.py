"""Sample bundles: seeded, reproducible runs whose trades, days, orders and folds agree with their steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from distill_platform.core.utc import iso
from distill_platform.strategies.bundles.account import Account, tables_of
from distill_platform.strategies.bundles.manifest import RunManifest
from distill_platform.strategies.bundles.repro import repro_hash

START = datetime(2023, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_DAY_VOLATILITY = 0.01


def sample_manifest(**changes: Any) -> RunManifest:
    """Return a sound manifest of a backtest of 750 days from 2023-01-01; `changes` replace its fields.

    A change of a nested part is given whole, in the form it has in JSON. `repro_hash` is the true one unless given.
    """
    document: dict[str, Any] = {
        "schema_version": 1,
        "run_id": "run-1",
        "world_id": "us_equity_daily",
        "strategy_id": "trend",
        "stage": "backtest",
        "run_source": "prod",
        "score_source": "model",
        "data_regime": "prod_live",
        "commit_sha": "3f2a9c51d0b84e7796aa1c2e5d8f40b7619ce024",
        "code_version": "1.4.0",
        "data_preset": "ohlcv.sp500.daily",
        "dataset_fingerprint": "sha256:" + "5d" * 32,
        "as_of": iso(START + 751 * _DAY),
        "window": {"start": iso(START), "end": iso(START + 750 * _DAY)},
        "profiles": _profiles(1.0),
        "seeds": {"numpy": 7},
        "rounding": {"price": 4, "qty": 2},
        "cohort_id": "trend-2023",
        "campaign_id": "trend-grid",
        "search": {"declared_trials": 12, "trial_index": 3, "parameters": {"lookback": 20}},
        "nodes": _nodes(),
        "ablation_spec": None,
        "parent_run_id": None,
        "supersedes": None,
        "repro_hash": "0" * 64,
        "model": {"name": "ranker", "version": "3", "artifact_sha256": "a1" * 32},
        "ensemble_policy": None,
        "sizing": {"kind": "fixed", "fraction": 1.0},
    }
    manifest = RunManifest.model_validate(document | changes)
    return manifest if "repro_hash" in changes else manifest.model_copy(update={"repro_hash": repro_hash(manifest)})


def sample_bundle(
    seed: int, days: int = 750, steps_per_day: int = 1, sharpe: float = 1.0, cost_bps: float = 1.0, **changes: Any
) -> tuple[RunManifest, dict[str, pa.Table]]:
    """Return the manifest and the tables of a sound run over `days` days, the same for the same arguments.

    Its net returns have the annual Sharpe ratio `sharpe` (365 days, ddof 1; exactly so with one step a day) and 16 % or
    so of volatility. Fee and slippage cost `cost_bps` each per unit of turnover. `changes` replace fields of the
    manifest.
    """
    account = _drawn(np.random.Generator(np.random.PCG64(seed)), days, steps_per_day, sharpe, cost_bps * 1e-4)
    end = START + days * _DAY
    described: dict[str, Any] = {
        "run_id": f"run-{seed}",
        "as_of": iso(end + _DAY),
        "window": {"start": iso(START), "end": iso(end)},
        "profiles": _profiles(cost_bps),
        "seeds": {"numpy": seed},
    }
    return sample_manifest(**described | changes), tables_of(account)


def _drawn(dice: np.random.Generator, days: int, steps_per_day: int, sharpe: float, cost: float) -> Account:
    count = days * steps_per_day
    noise = dice.standard_normal(count)
    if count > 1:
        noise = (noise - noise.mean()) / noise.std(ddof=1)
    lengths = dice.integers(2 * steps_per_day, 8 * steps_per_day, endpoint=True, size=count)
    first = np.concatenate([[0], np.cumsum(lengths)])
    first = first[first < count]
    last = np.append(first[1:] - 1, count - 1)
    turnover = np.zeros(count)
    np.add.at(turnover, first, 1.0)
    np.add.at(turnover, last, 1.0)
    bounds = _microseconds(START) + np.arange(count + 1) * (86_400_000_000 // steps_per_day)
    long = dice.random(len(first)) < 0.6
    return Account(
        starts=bounds[:-1],
        ends=bounds[1:],
        net=_DAY_VOLATILITY / np.sqrt(steps_per_day) * (noise + sharpe / np.sqrt(365.0 * steps_per_day)),
        fee=turnover * cost,
        slippage=turnover * cost,
        funding=np.zeros(count),
        exposure=np.repeat(np.where(long, 1.0, -1.0), last - first + 1),
        turnover=turnover,
        adv_utilization=dice.uniform(0.01, 0.10, count),
        participation=dice.uniform(0.01, 0.05, count),
        benchmark=dice.normal(0.0002, 0.008, count),
        first=first,
        last=last,
        long=long,
        price=dice.uniform(50.0, 150.0, len(first)),
    )


def _profiles(cost_bps: float) -> dict[str, Any]:
    return {
        "fee": {"model": "linear", "bps": cost_bps},
        "slippage": {"model": "linear", "bps": cost_bps},
        "fill": {"model": "next_open"},
        "funding": {"model": "none", "bps_daily": 0.0},
    }


def _nodes() -> list[dict[str, Any]]:
    return [
        _node("prices", "raw_input", "ohlcv", None),
        _node("momentum", "feature", "momentum", "features", "prices", lookback=20),
        _node("trend", "signal", "trend", "signals", "momentum"),
        _node("target", "intent", "position", None, "trend"),
        _node("limits", "risk_shell", "exposure_cap", "risk", "target", cap=1.0),
        _node("orders", "execution", "next_open", None, "limits"),
    ]


def _node(node_id: str, role: str, family: str, group: str | None, *inputs: str, **params: Any) -> dict[str, Any]:
    about = {"node_id": node_id, "semantic_role": role, "family": family, "ablation_group": group}
    return {**about, "inputs": list(inputs), "params": params}


def _microseconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
