"""Tables made from an account agree with its steps, whatever was held and whenever nothing was."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings, strategies as st

from distill_platform.stats import daily_returns_utc
from distill_platform.strategies.bundles.account import Account, tables_of
from distill_platform.strategies.bundles.tables import TABLES

HOUR = 3_600_000_000


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """A run whose steps are hours of some days, that holds positions with gaps between them, or none at all."""
    dice = np.random.default_rng(draw(st.integers(0, 10_000)))
    count, per_day = draw(st.integers(1, 60)), draw(st.sampled_from([1, 3, 24]))
    edges = np.unique(dice.integers(0, count, draw(st.integers(0, 20))))
    first, last = edges[: len(edges) // 2 * 2 : 2], edges[1 : len(edges) // 2 * 2 : 2]
    held = np.zeros(count)
    for begin, end in zip(first, last, strict=True):
        held[begin : end + 1] = 1.0
    step = np.arange(count)
    starts = (20_000 * 24 + step // per_day * 24 + step % per_day) * HOUR
    costs = [held * dice.uniform(0.0, 1e-3, count) for _ in range(3)]
    return Account(
        starts, starts + HOUR, held * dice.normal(0.0, 0.01, count), *costs, held, held,
        np.zeros(count), np.zeros(count), dice.normal(0.0, 0.01, count),
        first, last, dice.random(len(first)) < 0.5, dice.uniform(50.0, 150.0, len(first)),
    )  # fmt: skip


@given(accounts())
@settings(max_examples=60)
def test_every_table_agrees_with_the_steps(account: Account) -> None:
    tables = tables_of(account)
    column = {name: tables["steps"][name].to_numpy() for name in tables["steps"].column_names}
    rest = column["ret_gross"] - column["fee"] - column["slippage"] - column["funding"] - column["ret_net"]
    assert np.abs(rest).max() < 1e-15
    for name, total in (("pnl", "ret_net"), ("fee", "fee"), ("slippage", "slippage")):
        np.testing.assert_allclose(tables["trades"][name].to_numpy().sum(), column[total].sum(), atol=1e-12)
    daily = daily_returns_utc(column["ts_end"], column["ret_net"], fill_missing=False)
    np.testing.assert_allclose(tables["daily"]["ret_net"].to_numpy(), daily, atol=1e-12)
    np.testing.assert_allclose(tables["daily"]["fee"].to_numpy().sum(), column["fee"].sum(), atol=1e-12)
    assert tables["daily"]["n_trades"].to_numpy().sum() == tables["trades"].num_rows == len(account.first)
    assert tables["orders"].num_rows >= 2 * len(account.first)
    assert all(table.schema.equals(TABLES[name].columns) for name, table in tables.items())


@given(accounts())
@settings(max_examples=40)
def test_folds_cover_the_days_after_the_first_block_once(account: Account) -> None:
    folds = tables_of(account).get("folds")
    if len(np.unique(account.days)) < 6:
        assert folds is None
        return
    assert folds is not None
    ends = tables_of(account)["steps"]["ts_end"].to_numpy()
    for row in folds.to_pylist():
        inside = (ends > np.datetime64(row["start"].replace(tzinfo=None))) & (
            ends <= np.datetime64(row["end"].replace(tzinfo=None))
        )
        assert abs(row["pnl_oos"] - account.net[inside].sum()) < 1e-12
    spans = list(zip(folds["start"].to_pylist(), folds["end"].to_pylist(), strict=True))
    assert all(later[0] >= earlier[1] for earlier, later in pairwise(spans))
