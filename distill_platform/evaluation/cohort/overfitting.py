"""Overfitting controls: what a cohort's best run is worth, given everything that was tried to find it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distill_platform.evaluation.cohort.hurdle import Deflated, deflated_sharpe
from distill_platform.evaluation.cohort.members import AlignedMembers, Member, aligned, distinct_members
from distill_platform.evaluation.metrics.daily import DAYS_PER_YEAR
from distill_platform.evaluation.trials import TrialCount, TrialRecord, chosen_from, distinct_trials, honest_trials
from distill_platform.stats import pbo_cscv, spa

BLOCKS = 16
DAYS_A_BLOCK = 20
FEWEST_BLOCKS = 4
RESAMPLES = 1_000
SEED = 0


@dataclass(frozen=True)
class CohortControls:
    """What judging the best of a cohort needs: metrics by run_id, those that all its runs share, and how they came.

    `by_run` and `shared` are in the names of the catalogue; a number that cannot be computed is NaN, and `notes` say
    why. `n_blocks` is the S of the PBO, 0 where there is none; `apart` are runs left out of it for too few common days.
    """

    by_run: dict[str, dict[str, float | int]]
    shared: dict[str, float | int]
    trials: TrialCount
    n_days: int
    n_blocks: int
    apart: tuple[str, ...]
    repeated: tuple[str, ...]
    notes: tuple[str, ...]

    def metrics_of(self, run_id: str) -> dict[str, float | int]:
        """Return all metrics of one run: its own and the cohort's. KeyError for a run that is no member."""
        return self.by_run[run_id] | self.shared


@dataclass(frozen=True)
class Overfitting:
    """The probability of backtest overfitting, the S it rests on (0: none), and what a reader must know about both."""

    probability: float
    n_blocks: int
    notes: tuple[str, ...]


def overfitting_controls(
    members: Sequence[Member], records: Sequence[TrialRecord], beside: Sequence[TrialRecord] = ()
) -> CohortControls:
    """Return the controls of a cohort from its sound runs and the ledger's records of all that were ever tried.

    Per run the deflated Sharpe ratio (`hurdle.deflated_sharpe`), the ratio by luck behind it (annual), the honest
    number of trials, how many different runs its strategy completed, and its place among strategies. For the cohort the
    PBO by CSCV (Bailey, Borwein, Lopez de Prado and Zhu 2017) and Hansen's (2005) consistent p-value of "no run makes
    money", the reality check that poor runs cannot blind, over `RESAMPLES` stationary resamples with one seed: both on
    the days that its distinct runs have in common, in `BLOCKS` blocks, or fewer of at least `DAYS_A_BLOCK` days.

    `beside` are trials of other cohorts, of which those of a run's own strategy count for it as well (`chosen_from`).
    Neither the order of members and records nor the names of runs change a number. Members without records are counted
    as trials all the same. Costs O(C(S, S/2) N) for the PBO; 50 runs of five years take a tenth of a second.
    """
    trials, panel = honest_trials(records), aligned(members)
    fewest = max(len(distinct_members(members)), 1)
    pools = _pools(members, records, beside)
    deflated = {member.run_id: _deflated(member, pools[member.run_id], fewest) for member in members}
    overfitting = backtest_overfitting(panel)
    return CohortControls(
        by_run={member.run_id: _of_run(member, deflated[member.run_id], members, records) for member in members},
        shared={
            "robustness.pbo": overfitting.probability,
            "robustness.reality_check_p": _reality_check(panel),
            **_of_cohort(members, deflated, max(trials.n, fewest), records),
        },
        trials=trials,
        n_days=len(panel.days),
        n_blocks=overfitting.n_blocks,
        apart=panel.apart,
        repeated=panel.repeated,
        notes=overfitting.notes,
    )


def days_a_year(member: Member) -> float:
    """Return how many of its days a run has in a year of 365, by which its ratio per day becomes annual."""
    calendar = int((member.days[-1] - member.days[0]).astype(np.int64)) + 1
    return DAYS_PER_YEAR * len(member.days) / calendar


@dataclass(frozen=True)
class _Pool:
    """The trials that a run was chosen from, and how many they stand for."""

    records: Sequence[TrialRecord]
    n: int


def _pools(
    members: Sequence[Member], records: Sequence[TrialRecord], beside: Sequence[TrialRecord]
) -> dict[str, _Pool]:
    """Return the pool of each member by run_id; runs of one strategy share theirs, and most share the cohort's."""
    made: dict[tuple[str, ...], _Pool] = {}
    pools = {}
    for member in members:
        chosen = chosen_from(member.run_id, records, beside)
        key = tuple(record.run_id for record in chosen[len(records) :])
        if key not in made:
            made[key] = _Pool(chosen, honest_trials(chosen).n)
        pools[member.run_id] = made[key]
    return pools


def _deflated(member: Member, pool: _Pool, fewest: int) -> Deflated:
    n_trials = max(pool.n, fewest)
    if len(member.net) == 0:
        return Deflated(math.nan, math.nan, n_trials)
    return deflated_sharpe(member.net, member.content_sha256, n_trials, pool.records)


def _of_run(
    member: Member, deflated: Deflated, members: Sequence[Member], records: Sequence[TrialRecord]
) -> dict[str, float | int]:
    yearly = math.sqrt(days_a_year(member)) if len(member.days) else math.nan
    return {
        "robustness.deflated_sharpe_ratio": deflated.probability,
        "robustness.expected_max_sharpe": deflated.expected_max_sharpe * yearly,
        "robustness.n_trials": deflated.n_trials,
        "sample.completed_runs": _completed_runs(member, records),
        "cohort.rank": _rank(member, members),
        "diagnostics.search_intensity": deflated.n_trials / len(member.days) if len(member.days) else math.nan,
    }


def _completed_runs(member: Member, records: Sequence[TrialRecord]) -> int:
    """Return how many different sound runs a strategy has in the run's world and stage.

    One run handed in twenty times is one; a run without a record has none.
    """
    place = {_place(record) for record in records if record.run_id == member.run_id}
    found = (record for record in records if record.sound and record.ablation is None and _place(record) in place)
    return len({record.content_sha256 for record in found})


def _place(record: TrialRecord) -> tuple[str, str, str]:
    return record.strategy_id, record.world_id, record.stage


def _rank(member: Member, members: Sequence[Member]) -> float:
    """Return the run's place by annual Sharpe ratio among the best of the other strategies; NaN without a ratio."""
    if math.isnan(member.sharpe_annual):
        return math.nan
    best: dict[str, float] = {}
    for other in members:
        if other.strategy_id != member.strategy_id and not other.is_ablation and not math.isnan(other.sharpe_annual):
            best[other.strategy_id] = max(best.get(other.strategy_id, -math.inf), other.sharpe_annual)
    own = (-member.sharpe_annual, member.strategy_id)
    return 1.0 + sum((-ratio, strategy) < own for strategy, ratio in best.items())


def _of_cohort(
    members: Sequence[Member], deflated: dict[str, Deflated], n_trials: int, records: Sequence[TrialRecord]
) -> dict[str, float | int]:
    runs = [member for member in distinct_members(members) if not member.is_ablation]
    return {
        "cohort.sharpe_median": _median([member.sharpe_annual for member in runs]),
        "cohort.dsr_median": _median([deflated[member.run_id].probability for member in runs]),
        "cohort.n_runs": len(runs),
        "cohort.n_trials": n_trials,
        "cohort.sharpe_variance": _sharpe_variance(records),
    }


def _sharpe_variance(records: Sequence[TrialRecord]) -> float:
    """Return the sample variance of Sharpe ratios per day over all distinct sound trials; NaN for fewer than two."""
    ratios = [record.sharpe for record in distinct_trials(records) if record.sound and record.sharpe is not None]
    return float(np.var(ratios, ddof=1)) if len(ratios) > 1 else math.nan


def _median(values: Sequence[float]) -> float:
    """Return the median with every NaN below all numbers; NaN where it falls on one, and of nothing."""
    if not values:
        return math.nan
    middle = float(np.median([-math.inf if math.isnan(value) else value for value in values]))
    return middle if math.isfinite(middle) else math.nan


def backtest_overfitting(panel: AlignedMembers) -> Overfitting:
    """Return the probability of backtest overfitting of the runs of a panel, NaN for too few runs or days."""
    notes = [_apart_note(panel)] if panel.apart else []
    n_blocks = min(BLOCKS, len(panel.days) // DAYS_A_BLOCK // 2 * 2)
    if len(panel.run_ids) < 2:
        notes.append(f"PBO needs two different runs to choose from; there are {len(panel.run_ids)}.")
    elif n_blocks < FEWEST_BLOCKS:
        notes.append(
            f"PBO needs {FEWEST_BLOCKS * DAYS_A_BLOCK} days that all runs have; they have {len(panel.days)} in common."
        )
    else:
        if n_blocks < BLOCKS:
            notes.append(f"PBO rests on {n_blocks} blocks only: the runs have {len(panel.days)} days in common.")
        return Overfitting(pbo_cscv(panel.returns, n_blocks, constant="worst").pbo, n_blocks, tuple(notes))
    return Overfitting(math.nan, 0, tuple(notes))


def _apart_note(panel: AlignedMembers) -> str:
    return (
        f"{len(panel.apart)} of {len(panel.apart) + len(panel.run_ids)} runs lack more than a tenth of the cohort's "
        f"days and are left out of PBO and reality check: {', '.join(panel.apart[:5])}"
        + ("..." if len(panel.apart) > 5 else ".")
    )


def _reality_check(panel: AlignedMembers) -> float:
    if not panel.run_ids or len(panel.days) < FEWEST_BLOCKS * DAYS_A_BLOCK:
        return math.nan
    return spa(panel.returns, n_resamples=RESAMPLES, seed=SEED).p.consistent
