"""Accounts: a run by what its steps made and which positions held them; its tables follow, and so agree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill_platform.strategies.bundles.tables import DAILY, FOLDS, ORDERS, STEPS, TRADES, BundleTable

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_DAY = 86_400_000_000
_FOLDS = 5
_SYMBOLS = ("SPY", "QQQ", "IWM")
_REJECTED_EVERY = 20


@dataclass(frozen=True, eq=False)
class Account:
    """A run of T steps in which K positions were held, one after the other; moments are microseconds since 1970.

    Step i lasts from `starts[i]` to `ends[i]`, within one UTC day. Returns, costs and turnover are fractions of equity,
    `exposure` is below 0 when short. Position k is held from the beginning of step `first[k]` to the end of step
    `last[k]`, long or short, and was opened at `price[k]`. A step without a position makes and costs nothing.
    """

    starts: Integers = field(repr=False)
    ends: Integers = field(repr=False)
    net: Floats = field(repr=False)
    fee: Floats = field(repr=False)
    slippage: Floats = field(repr=False)
    funding: Floats = field(repr=False)
    exposure: Floats = field(repr=False)
    turnover: Floats = field(repr=False)
    adv_utilization: Floats = field(repr=False)
    participation: Floats = field(repr=False)
    benchmark: Floats = field(repr=False)
    first: Integers = field(repr=False)
    last: Integers = field(repr=False)
    long: npt.NDArray[np.bool_] = field(repr=False)
    price: Floats = field(repr=False)

    @property
    def gross(self) -> Floats:
        """Return what the steps made before costs."""
        return self.net + (self.fee + self.slippage + self.funding)

    @property
    def days(self) -> Integers:
        """Return the UTC day of each step, in days since 1970."""
        return self.starts // _DAY


def tables_of(account: Account) -> dict[str, pa.Table]:
    """Return the tables of a run by their names in `tables.TABLES`, each in agreement with the steps.

    Days compound their steps, and count a trade on the day it closes. Each trade has an order to open and one to close
    it, and every twentieth a rejected one besides. Walk-forward folds are there from six days on.
    """
    made = {"steps": _steps(account), "trades": _trades(account), "daily": _daily(account), "orders": _orders(account)}
    return made | ({"folds": _folds(account)} if len(np.unique(account.days)) > _FOLDS else {})


def _steps(account: Account) -> pa.Table:
    return _table(
        STEPS,
        ts_end=account.ends,
        ret_gross=account.gross,
        fee=account.fee,
        slippage=account.slippage,
        funding=account.funding,
        ret_net=account.net,
        exposure=account.exposure,
        turnover=account.turnover,
        adv_utilization=account.adv_utilization,
        participation=account.participation,
        benchmark_ret=account.benchmark,
    )


def _trades(account: Account) -> pa.Table:
    count = len(account.first)
    gross = _by_position(account, account.gross)
    return _table(
        TRADES,
        trade_id=[f"t{number:06d}" for number in range(count)],
        ts_open=account.starts[account.first],
        ts_close=account.ends[account.last],
        symbol=[_SYMBOLS[number % len(_SYMBOLS)] for number in range(count)],
        side=np.where(account.long, "long", "short").tolist(),
        qty=np.full(count, 10.0),
        price_open=account.price,
        price_close=account.price * np.exp(np.where(account.long, gross, -gross)),
        fee=_by_position(account, account.fee),
        slippage=_by_position(account, account.slippage),
        pnl=_by_position(account, account.net),
    )


def _by_position(account: Account, column: Floats) -> Floats:
    """Return the sum of a column over the steps of each position."""
    if not len(account.first):
        return np.empty(0)
    edges = np.column_stack([account.first, account.last + 1]).ravel()
    sums: Floats = np.add.reduceat(np.append(column, 0.0), edges)[::2]
    return sums


def _daily(account: Account) -> pa.Table:
    days, starts = np.unique(account.days, return_index=True)
    closed = np.searchsorted(days, account.days[account.last])
    return _table(
        DAILY,
        day=days.astype(np.int32),
        ret_net=np.multiply.reduceat(1.0 + account.net, starts) - 1.0,
        fee=np.add.reduceat(account.fee, starts),
        n_trades=np.bincount(closed, minlength=len(days)),
    )


def _orders(account: Account) -> pa.Table:
    rows: list[tuple[int, str, str | None]] = []
    opened, closed = account.starts[account.first].tolist(), account.ends[account.last].tolist()
    for number, (start, end) in enumerate(zip(opened, closed, strict=True)):
        rows.append((start, "filled", None))
        if number % _REJECTED_EVERY == _REJECTED_EVERY - 1:
            rows.append((end, "rejected", "insufficient_margin"))
        rows.append((end, "filled", None))
    return _table(
        ORDERS,
        ts=np.array([moment for moment, _, _ in rows], np.int64),
        order_id=[f"o{number:06d}" for number in range(len(rows))],
        symbol=[_SYMBOLS[0]] * len(rows),
        status=[status for _, status, _ in rows],
        reject_reason=[reason for _, _, reason in rows],
    )


def _folds(account: Account) -> pa.Table:
    """Return walk-forward folds: each block of days is proven on after the block before it was fitted on."""
    blocks = np.array_split(np.unique(account.days), _FOLDS + 1)
    spans = [np.flatnonzero((account.days >= block[0]) & (account.days <= block[-1])) for block in blocks]
    sums = [float(account.net[span].sum()) for span in spans]
    return _table(
        FOLDS,
        fold=np.arange(_FOLDS),
        split=["validation"] * (_FOLDS - 2) + ["forward_oos"] * 2,
        start=np.array([account.starts[span[0]] for span in spans[1:]]),
        end=np.array([account.ends[span[-1]] for span in spans[1:]]),
        pnl_is=np.array(sums[:-1]),
        pnl_oos=np.array(sums[1:]),
    )


def _table(declared: BundleTable, **columns: Any) -> pa.Table:
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in declared.columns]
    return pa.table(arrays, schema=declared.columns)
