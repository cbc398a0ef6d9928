"""Sample bundles: seeded, reproducible runs whose trades, days, orders and folds agree with their steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill_platform.core.utc import iso
from distill_platform.strategies.bundles.manifest import RunManifest
from distill_platform.strategies.bundles.repro import repro_hash
from distill_platform.strategies.bundles.tables import DAILY, FOLDS, ORDERS, STEPS, TRADES, BundleTable

START = datetime(2023, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_DAY_VOLATILITY = 0.01
_FOLDS = 5
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


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
    dice = np.random.Generator(np.random.PCG64(seed))
    run = _drawn(dice, days, steps_per_day, sharpe, cost_bps * 1e-4)
    tables = {"steps": _steps(run, dice), "trades": _trades(run, dice), "daily": _daily(run), "orders": _orders(run)}
    if days > _FOLDS:
        tables["folds"] = _folds(run)
    end = START + days * _DAY
    described: dict[str, Any] = {
        "run_id": f"run-{seed}",
        "as_of": iso(end + _DAY),
        "window": {"start": iso(START), "end": iso(end)},
        "profiles": _profiles(cost_bps),
        "seeds": {"numpy": seed},
    }
    return sample_manifest(**described | changes), tables


@dataclass(frozen=True)
class _Run:
    """A run as drawn: times are microseconds since 1970, step i ends at `ends[i]` and starts at `starts[i]`.

    Trade k holds its position in the steps from `first[k]` to `last[k]`, both included; together they hold all steps.
    """

    starts: Integers
    ends: Integers
    net: Floats
    cost: Floats
    turnover: Floats
    first: Integers
    last: Integers
    long: npt.NDArray[np.bool_]
    step_days: Integers

    @property
    def gross(self) -> Floats:
        """Return what the steps made before costs: fee and slippage are `cost` each."""
        return self.net + 2.0 * self.cost


def _drawn(dice: np.random.Generator, days: int, steps_per_day: int, sharpe: float, cost: float) -> _Run:
    count = days * steps_per_day
    noise = dice.standard_normal(count)
    if count > 1:
        noise = (noise - noise.mean()) / noise.std(ddof=1)
    net = _DAY_VOLATILITY / np.sqrt(steps_per_day) * (noise + sharpe / np.sqrt(365.0 * steps_per_day))
    lengths = dice.integers(2 * steps_per_day, 8 * steps_per_day, endpoint=True, size=count)
    first = np.concatenate([[0], np.cumsum(lengths)])
    first = first[first < count]
    last = np.append(first[1:] - 1, count - 1)
    turnover = np.zeros(count)
    np.add.at(turnover, first, 1.0)
    np.add.at(turnover, last, 1.0)
    bounds = _microseconds(START) + np.arange(count + 1) * (86_400_000_000 // steps_per_day)
    step_days = np.repeat(np.arange(days), steps_per_day)
    long = dice.random(len(first)) < 0.6
    return _Run(bounds[:-1], bounds[1:], net, turnover * cost, turnover, first, last, long, step_days)


def _steps(run: _Run, dice: np.random.Generator) -> pa.Table:
    count = len(run.net)
    side = np.repeat(np.where(run.long, 1.0, -1.0), run.last - run.first + 1)
    return _table(
        STEPS,
        ts_end=run.ends,
        ret_gross=run.gross,
        fee=run.cost,
        slippage=run.cost,
        funding=np.zeros(count),
        ret_net=run.net,
        exposure=side,
        turnover=run.turnover,
        adv_utilization=dice.uniform(0.01, 0.10, count),
        participation=dice.uniform(0.01, 0.05, count),
        benchmark_ret=dice.normal(0.0002, 0.008, count),
    )


def _trades(run: _Run, dice: np.random.Generator) -> pa.Table:
    count = len(run.first)
    price = dice.uniform(50.0, 150.0, count)
    gross = np.add.reduceat(run.gross, run.first)
    return _table(
        TRADES,
        trade_id=[f"t{number:06d}" for number in range(count)],
        ts_open=run.starts[run.first],
        ts_close=run.ends[run.last],
        symbol=[("SPY", "QQQ", "IWM")[number % 3] for number in range(count)],
        side=np.where(run.long, "long", "short").tolist(),
        qty=np.full(count, 10.0),
        price_open=price,
        price_close=price * np.exp(np.where(run.long, gross, -gross)),
        fee=np.add.reduceat(run.cost, run.first),
        slippage=np.add.reduceat(run.cost, run.first),
        pnl=np.add.reduceat(run.net, run.first),
    )


def _daily(run: _Run) -> pa.Table:
    """Return the days' own accounting: returns compound within a day, a trade counts on the day it closes."""
    starts = np.flatnonzero(np.diff(run.step_days, prepend=-1))
    first_day = _microseconds(START) // 86_400_000_000
    return _table(
        DAILY,
        day=(first_day + run.step_days[starts]).astype(np.int32),
        ret_net=np.multiply.reduceat(1.0 + run.net, starts) - 1.0,
        fee=np.add.reduceat(run.cost, starts),
        n_trades=np.bincount(run.step_days[run.last], minlength=len(starts)),
    )


def _orders(run: _Run) -> pa.Table:
    """Return two filled orders for each trade, and a rejected one for every twentieth."""
    rows: list[tuple[int, str, str | None]] = []
    for number, (first, last) in enumerate(zip(run.first, run.last, strict=True)):
        rows.append((int(run.starts[first]), "filled", None))
        if number % 20 == 19:
            rows.append((int(run.ends[last]), "rejected", "insufficient_margin"))
        rows.append((int(run.ends[last]), "filled", None))
    moments, states, reasons = zip(*rows, strict=True)
    names = [f"o{number:06d}" for number in range(len(rows))]
    symbols = ["SPY"] * len(rows)
    return _table(
        ORDERS, ts=np.array(moments), order_id=names, symbol=symbols, status=list(states), reject_reason=list(reasons)
    )


def _folds(run: _Run) -> pa.Table:
    """Return walk-forward folds: each block of days is proven on after the block before it was fitted on."""
    blocks = np.array_split(np.arange(int(run.step_days[-1]) + 1), _FOLDS + 1)
    spans = [np.flatnonzero((run.step_days >= block[0]) & (run.step_days <= block[-1])) for block in blocks]
    sums = [float(run.net[span].sum()) for span in spans]
    return _table(
        FOLDS,
        fold=np.arange(_FOLDS),
        split=["validation"] * (_FOLDS - 2) + ["forward_oos"] * 2,
        start=np.array([run.starts[span[0]] for span in spans[1:]]),
        end=np.array([run.ends[span[-1]] for span in spans[1:]]),
        pnl_is=np.array(sums[:-1]),
        pnl_oos=np.array(sums[1:]),
    )


def _table(declared: BundleTable, **columns: Any) -> pa.Table:
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in declared.columns]
    return pa.table(arrays, schema=declared.columns)


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
