"""Outcomes: the money of a run by window, by day, and at costs that it did not pay."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from distill_platform.models.chain.entrants import Role
from distill_platform.models.report.outcomes import cost_curve_of, equity_of, results_of
from distill_platform.models.report.view import WindowView
from distill_platform.strategies.engine.costs import CostProfile
from distill_platform_tests.models.test_model_runs import TERMS, made, windows

RUN = made()
STEPS, DAILY = RUN.tables["steps"], RUN.tables["daily"]


def moment(ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1_000)


WINDOWS = {"search": windows().search, "validation": windows().validation, "forward": windows().forward}
SPANS = tuple(WindowView(name, moment(span.start_ns), moment(span.end_ns)) for name, span in WINDOWS.items())


def test_windows_share_out_what_the_run_made() -> None:
    found = results_of("blend", STEPS, SPANS)
    assert [result.window for result in found] == ["validation", "forward"]
    assert math.fsum(result.net for result in found) == pytest.approx(pc.sum(STEPS["ret_net"]).as_py(), abs=1e-12)
    assert [result.days for result in found] == [42, 42]
    assert all(0.0 <= result.max_drawdown < 1.0 for result in found)


def test_a_window_makes_what_the_folds_table_says() -> None:
    forward = results_of("blend", STEPS, SPANS)[1]
    folds = RUN.tables["folds"].filter(pc.equal(RUN.tables["folds"]["split"], "forward_oos"))
    assert forward.net == pytest.approx(math.fsum(folds["pnl_oos"].to_pylist()), abs=1e-12)


def test_the_curve_at_one_is_the_run_and_at_break_even_nothing() -> None:
    found = cost_curve_of(STEPS)
    at = np.array(found.curve)
    net = pc.sum(STEPS["ret_net"]).as_py()
    assert found.gross - found.costs == pytest.approx(net, abs=1e-12)
    assert np.interp(1.0, at[:, 0], at[:, 1]) == pytest.approx(net, abs=1e-9)
    assert found.gross - found.breakeven * found.costs == pytest.approx(0.0, abs=1e-12)


def test_repricing_agrees_with_running_again_at_twice_the_costs() -> None:
    costs = TERMS.costs
    dearer = made(replace(TERMS, costs=CostProfile(2 * costs.fee_bps, 2 * costs.slippage_bps, 0.0)))
    found = cost_curve_of(STEPS)
    again = pc.sum(dearer.tables["steps"]["ret_net"]).as_py()
    assert found.gross - 2.0 * found.costs == pytest.approx(again, abs=0.02 * found.costs)


def test_a_run_that_paid_nothing_has_no_break_even() -> None:
    free = STEPS
    for name in ("fee", "slippage", "funding"):
        free = free.set_column(free.column_names.index(name), name, pa.array(np.zeros(len(free))))
    found = cost_curve_of(free)
    assert math.isnan(found.breakeven)
    assert found.costs == 0.0


def test_a_run_with_unsound_returns_has_no_sharpe_ratio_and_no_fall() -> None:
    bad = STEPS["ret_net"].to_numpy().copy()
    bad[-1] = np.nan
    spoiled = STEPS.set_column(STEPS.column_names.index("ret_net"), "ret_net", pa.array(bad))
    validation, forward = results_of("blend", spoiled, SPANS)
    assert math.isfinite(validation.sharpe)
    assert all(map(math.isnan, (forward.net, forward.sharpe, forward.max_drawdown)))


def test_equity_is_the_accounts_own_days() -> None:
    line = equity_of("blend", Role.CANDIDATE, DAILY)
    assert len(line.days) == len(DAILY) == 84
    assert line.net.tolist() == DAILY["ret_net"].to_pylist()
