"""Walk-forward: what folds claim is counted again in the steps, and only that counts."""

import math
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.tables import FOLDS
from distill_platform_tests.evaluation.metrics.made import DAY, START, made, measure, values

NET = np.random.default_rng(11).normal(0.001, 0.01, 360)


def _fold(fold: int, split: str, first: int, last: int, pnl_is: float = 0.1, **claimed: Any) -> dict[str, Any]:
    """Return a fold over days first..last-1 that claims what the steps made."""
    moments: dict[str, datetime] = {"start": START + first * DAY, "end": START + last * DAY}
    return {"fold": fold, "split": split, "pnl_is": pnl_is, "pnl_oos": float(NET[first:last].sum())} | moments | claimed


def _folded(*rows: dict[str, Any], net: Any = NET) -> Bundle:
    return replace(made(net, cost=1e-5), folds=pa.Table.from_pylist(list(rows), schema=FOLDS.columns))


def test_folds_by_hand() -> None:
    rows = [_fold(k, "forward_oos", 60 * k, 60 * k + 60) for k in range(1, 6)]
    found = measure(_folded(_fold(0, "search", 0, 60), *rows))
    made_in = [float(NET[60 * k : 60 * k + 60].sum()) for k in range(1, 6)]
    assert found.number("wf.n_folds") == 5
    assert found.number("wf.oos_sum_pnl") == pytest.approx(sum(made_in))
    assert found.number("wf.worst_fold_pnl") == pytest.approx(min(made_in))
    assert found.number("wf.fold_sign_stability") == sum(one > 0 for one in made_in) / 5
    assert found.number("wf.oos_is_ratio") == pytest.approx(sum(made_in) / 0.5)
    assert found.metrics["invariants.folds_match_steps"] is True
    assert len(found.folds) == 6


def test_a_claim_that_the_steps_do_not_bear_out_is_seen_and_does_not_count() -> None:
    found = measure(_folded(_fold(1, "forward_oos", 60, 120), _fold(2, "forward_oos", 120, 180, pnl_oos=0.5)))
    assert found.metrics["invariants.folds_match_steps"] is False
    assert found.number("wf.oos_sum_pnl") == pytest.approx(NET[60:180].sum())


def test_claims_may_be_compounded() -> None:
    rows = [_fold(k, "forward_oos", 60 * k, 60 * k + 60) for k in range(3)]
    for k, row in enumerate(rows):
        row["pnl_oos"] = float(np.prod(1.0 + NET[60 * k : 60 * k + 60]) - 1.0)
    assert measure(_folded(*rows)).broken == ()


def test_folds_outside_the_steps_prove_nothing() -> None:
    found = measure(_folded(_fold(1, "forward_oos", 60, 120), _fold(2, "forward_oos", 400, 460, pnl_oos=0.5)))
    assert math.isnan(found.number("wf.oos_sum_pnl"))
    assert found.metrics["invariants.folds_match_steps"] is None


def test_a_good_fold_counts_once() -> None:
    good = [_fold(k, "forward_oos", 60, 120) for k in range(4)]
    found = measure(_folded(*good))
    assert found.number("wf.n_folds") == 0
    assert math.isnan(found.number("wf.fold_sign_stability"))
    assert "overlap" in found.notes[0]


def test_a_day_is_not_validated_on_and_tested_on() -> None:
    rolling = [_fold(k, "validation", 60 * k, 60 * k + 60) for k in range(1, 4)]
    rolling += [_fold(k, "forward_oos", 60 * k + 60, 60 * k + 120) for k in range(1, 4)]
    found = measure(_folded(*rolling))
    assert found.number("wf.n_folds") == 3
    assert found.number("wf.oos_sum_pnl") == pytest.approx(NET[120:300].sum())


def test_search_alone_is_not_out_of_sample() -> None:
    found = measure(_folded(_fold(0, "search", 0, 60)))
    assert found.number("wf.n_folds") == 0
    assert math.isnan(found.number("wf.oos_sum_pnl"))


def test_without_folds_the_evaluation_walks_forward_itself() -> None:
    found = measure(made(NET))
    assert found.number("wf.n_folds") == 5
    assert found.number("wf.oos_sum_pnl") == pytest.approx(NET[60:].sum())
    assert {fold.split for fold in found.folds} == {"walk_forward"}
    assert found.folds[0].start == START + 60 * DAY
    assert found.metrics["invariants.folds_match_steps"] is None
    assert "those of the evaluation" in found.notes[0]


def test_a_short_run_has_no_folds() -> None:
    found = measure(made(NET[:5]))
    assert found.number("wf.n_folds") == 0
    assert math.isnan(found.number("wf.worst_fold_pnl"))
    assert values(made(NET[:5]).steps, "ret_net").shape == (5,)


def test_a_span_may_be_named_by_the_end_of_its_first_step() -> None:
    rows = [_fold(k, "forward_oos", 60 * k, 60 * k + 60, start=START + (60 * k + 1) * DAY) for k in range(1, 4)]
    assert measure(_folded(*rows)).metrics["invariants.folds_match_steps"] is True
    mixed = [*rows[:2], _fold(3, "forward_oos", 180, 240)]
    assert measure(_folded(*mixed)).metrics["invariants.folds_match_steps"] is False
