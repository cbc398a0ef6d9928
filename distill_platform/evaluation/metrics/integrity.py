"""Integrity: whether the tables of a run agree with each other. A run whose numbers do not is judged by none of them.

Each invariant is True, False, or None where a table it needs is not there: unknown, which is not a pass. Sums are
compared within a millionth of the equity. Engines keep their days in one of a few ways (`accounting.ways_of_keeping`);
any is fine, but it must be the same on all days of a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.errors import CanonError
from distill_platform.evaluation.metrics.accounting import Accounting, read_accounting, ways_of_keeping
from distill_platform.evaluation.metrics.daily import DailySeries
from distill_platform.evaluation.metrics.repeats import repeated_block
from distill_platform.evaluation.metrics.steps import Steps, numbers
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.manifest import RunManifest
from distill_platform.strategies.bundles.repro import repro_hash

Verdict = bool | None

_SUMS, _STEP = 1e-6, 1e-9
_SINGLE = 4 * float(np.finfo(np.float32).eps)
_FOLDS = "folds_match_steps"
_HIDDEN, _UNTOLD = 0.001, 0.5  # of what exposure moved by: less turnover is hidden, or worth a note
_RECORDED = 0.99  # of the steps that trade: the rest may be too small for its cost to survive rounding


@dataclass(frozen=True)
class Integrity:
    """The invariants of a run by their names without group, and what a reader should know besides."""

    invariants: dict[str, Verdict]
    notes: tuple[str, ...]

    @property
    def broken(self) -> tuple[str, ...]:
        """Return the names of the invariants that do not hold, sorted; those that are unknown are not among them.

        Nor are folds that claim other profits than the steps: an engine may fit anew for each fold, and what counts are
        the steps, whatever is claimed.
        """
        return tuple(sorted(name for name, holds in self.invariants.items() if holds is False and name != _FOLDS))


@np.errstate(invalid="ignore", over="ignore")
def integrity(bundle: Bundle, steps: Steps, daily: DailySeries, folds_match: Verdict) -> Integrity:
    """Return which invariants hold for a run; `folds_match` says whether its steps bear its folds out."""
    days = read_accounting(bundle.daily, steps, daily, _SUMS) if bundle.daily is not None else None
    repeat = repeated_block(steps)
    invariants: dict[str, Verdict] = {
        "pnl_sums_match": _pnl_sums_match(bundle.trades, steps, daily, days),
        "steps_add_up": _steps_add_up(steps),
        "daily_matches_steps": days.matches if days else None,
        _FOLDS: folds_match,
        "equity_reconciles": days.reconciles if days else None,
        "fee_nonzero": _fee_nonzero(bundle.trades, steps),
        "friction_recorded": _friction_recorded(bundle.trades, steps),
        "clock_monotone": steps.is_in_order if len(steps) else None,
        "before_as_of": _before(bundle, bundle.manifest.as_of),
        "no_duplicates": _all(repeat is None, _distinct(bundle.trades, "trade_id"), _distinct(bundle.daily, "day")),
        "repro_hash_match": _repro_hash_match(bundle.manifest),
        "returns_above_minus_one": _above(steps, -1.0),
    }
    notes = [f"steps {repeat[0]} and {repeat[1]} begin the same long block of returns"] if repeat else []
    if (told := _share_told(steps)) < _UNTOLD:
        notes.append(f"turnover is {told:.2g} of what exposure moved by: costs may be missing, and stress with them")
    if not len(daily):
        notes.append("steps cannot be measured: none, out of order, not finite, or beyond what equity can lose")
    return Integrity(invariants, tuple(notes))


def _pnl_sums_match(trades: pa.Table | None, steps: Steps, daily: DailySeries, days: Accounting | None) -> Verdict:
    """Return whether the profits of trades sum to those of the steps or of their days, and so do the engine's own days.

    Days that an engine did not hand in contradict nothing: the steps' own days are there to compare with.
    """
    if trades is None:
        return None
    total = float(numbers(trades, "pnl").sum())
    sums = [float(steps.net.sum())]
    sums += [float(way.returns.sum()) for way in ways_of_keeping(steps, daily)] if len(daily) else []
    by_trades = any(_is_near(total, expected) for expected in sums)
    return _all(by_trades, days.sums_match) if days else by_trades


def _steps_add_up(steps: Steps) -> Verdict:
    """Return whether each net return is gross less fee, slippage and funding; NaN anywhere is a no.

    Steps that were written in single precision agree as far as that goes.
    """
    if not len(steps):
        return None
    columns = np.stack((steps.gross, steps.fee, steps.slippage, steps.funding, steps.net))
    rest = columns[0] - columns[1:].sum(axis=0)
    largest = np.minimum(np.abs(columns).max(axis=0), 1.0)
    is_single = bool((columns.astype(np.float32) == columns).all())
    return bool((np.abs(rest) <= _STEP + (_SINGLE * largest if is_single else 0.0)).all())


def _fee_nonzero(trades: pa.Table | None, steps: Steps) -> Verdict:
    return bool(steps.fee.sum() > 0.0) if _has_traded(trades, steps) else None


def _friction_recorded(trades: pa.Table | None, steps: Steps) -> Verdict:
    """Return whether steps that trade cost something, and turnover is known wherever trades are or exposure moves."""
    if _share_told(steps) < _HIDDEN:
        return False
    if not _has_traded(trades, steps):
        return None
    traded = steps.turnover > 0.0
    paid = (steps.fee + steps.slippage)[traded] > 0.0
    return bool(paid.size and paid.mean() >= _RECORDED and steps.turnover.min() >= 0.0)


def _share_told(steps: Steps) -> float:
    """Return turnover over what exposure moved by; 1 where it did not move.

    What exposure moves by itself, as prices do, is left out: about the step's return times what is held, taken twice.
    """
    drift = 2.0 * np.abs(steps.gross[1:]) * (1.0 + np.abs(steps.exposure[:-1]))
    moved = float(np.maximum(np.abs(np.diff(steps.exposure)) - drift, 0.0).sum())
    return float(steps.turnover.sum()) / moved if moved > 0.0 else 1.0


def _has_traded(trades: pa.Table | None, steps: Steps) -> bool:
    return bool((steps.turnover != 0.0).any()) or (trades is not None and trades.num_rows > 0)


def _before(bundle: Bundle, as_of: datetime) -> Verdict:
    """Return whether nothing a run tells of happened later than the moment it speaks of."""
    moments = [
        (bundle.steps, "ts_end"), (bundle.trades, "ts_open"), (bundle.trades, "ts_close"), (bundle.orders, "ts"),
    ]  # fmt: skip
    latest = [pc.max(table.column(name)).as_py() for table, name in moments if table is not None]
    days = [pc.max(bundle.daily.column("day")).as_py()] if bundle.daily is not None else []
    starts = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days if day is not None]
    return all(moment <= as_of for moment in (*latest, *starts) if moment is not None)


def _distinct(table: pa.Table | None, column: str) -> bool:
    return table is None or pc.count_distinct(table.column(column), mode="all").as_py() == table.num_rows


def _repro_hash_match(manifest: RunManifest) -> Verdict:
    """Return True where the hash is that of the sealed fields. An engine may have another rule: then nobody knows yet.

    What cannot be worked out from one run may be known from two: see `evaluation.reproduction`.
    """
    try:
        return True if repro_hash(manifest) == manifest.repro_hash else None
    except CanonError:  # a field that cannot be hashed was not sealed by anybody
        return False


def _above(steps: Steps, least: float) -> Verdict:
    return bool((steps.net >= least).all() and (steps.gross >= least).all()) if len(steps) else None


def _is_near(found: float, expected: float) -> bool:
    return abs(found - expected) <= _SUMS


def _all(*verdicts: Verdict) -> Verdict:
    """Return False where one is, None where one is unknown, else True."""
    if False in verdicts:
        return False
    return None if None in verdicts else True
