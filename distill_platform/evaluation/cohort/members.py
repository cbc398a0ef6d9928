"""Members: the runs of a cohort as one panel of daily returns, on the days that they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from distill_platform.evaluation.metrics.daily import Days

Numbers = npt.NDArray[np.float64]

MOST_MISSING = 0.1
"""The share of the cohort's days that a run may lack; one that lacks more is left out of comparisons day by day."""


@dataclass(frozen=True, eq=False)
class Member:
    """One sound run of a cohort: its net returns on its UTC days with steps, oldest first, and who it is.

    `sharpe_annual` is the run's `returns.sharpe_daily`; NaN where it is undefined.
    """

    run_id: str
    strategy_id: str
    content_sha256: str
    is_ablation: bool
    sharpe_annual: float
    days: Days = field(repr=False)
    net: Numbers = field(repr=False)


@dataclass(frozen=True, eq=False)
class AlignedMembers:
    """The distinct runs of a cohort on their common days.

    `returns` has shape (days, runs), columns in the order of `run_ids`. `apart` are the runs left out because they lack
    more than `MOST_MISSING` of the days that most of the cohort has; `repeated` those whose content another one has.
    """

    run_ids: tuple[str, ...]
    days: Days = field(repr=False)
    returns: Numbers = field(repr=False)
    apart: tuple[str, ...]
    repeated: tuple[str, ...]


def distinct_members(members: Sequence[Member]) -> list[Member]:
    """Return one member for each content, that of the smallest run_id, ordered by content: not by how runs are named.

    The order matters where runs tie: the first one is then the best.
    """
    by_content: dict[str, Member] = {}
    for member in sorted(members, key=lambda member: member.run_id):
        by_content.setdefault(member.content_sha256, member)
    return [by_content[content] for content in sorted(by_content)]


def aligned(members: Sequence[Member]) -> AlignedMembers:
    """Return the distinct members on the days that all of them have, whatever the order they are given in.

    The days that more than half of the runs have are the cohort's; a run that lacks more than `MOST_MISSING` of them is
    set apart, so that one short run does not shorten all others. There may be no days, and no runs.
    """
    distinct = distinct_members(members)
    usual = _usual_days([member.days for member in distinct])
    lacking = [1.0 - len(_shared(usual, member.days)) / max(len(usual), 1) for member in distinct]
    kept = [member for member, share in zip(distinct, lacking, strict=True) if share <= MOST_MISSING]
    days = usual
    for member in kept:
        days = _shared(days, member.days)
    columns = [
        member.net if len(member.days) == len(days) else member.net[np.isin(member.days, days)] for member in kept
    ]
    kept_ids, distinct_ids = {member.run_id for member in kept}, {member.run_id for member in distinct}
    return AlignedMembers(
        run_ids=tuple(member.run_id for member in kept),
        days=days,
        returns=np.column_stack(columns) if columns else np.empty((0, 0)),
        apart=tuple(sorted(distinct_ids - kept_ids)),
        repeated=tuple(sorted(member.run_id for member in members if member.run_id not in distinct_ids)),
    )


def _usual_days(spans: Sequence[Days]) -> Days:
    """Return the days, oldest first, that more than half of the runs have."""
    if not spans:
        return np.empty(0, dtype="datetime64[D]")
    days, counts = np.unique(np.concatenate(spans), return_counts=True)
    usual: Days = days[2 * counts > len(spans)]
    return usual


def _shared(days: Days, others: Days) -> Days:
    """Return those of `days` that are among `others` as well; for most runs of a cohort, all of both."""
    return days if np.array_equal(days, others) else days[np.isin(days, others)]
