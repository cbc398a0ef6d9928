"""Reproduction: two runs that claim to be the same run have the same numbers, or neither of them is to be believed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from distill_platform.evaluation.trials import TrialRecord


@dataclass(frozen=True)
class Reproduction:
    """What comparing claims with numbers shows: runs with a twin that agrees, and those with one that does not."""

    confirmed: frozenset[str]
    contradicted: frozenset[str]

    def match(self, run_id: str) -> bool | None:
        """Return whether a run's numbers were reproduced; None where nobody tried."""
        if run_id in self.contradicted:
            return False
        return True if run_id in self.confirmed else None


def reproduction(records: Iterable[TrialRecord]) -> Reproduction:
    """Return what the runs of a cohort show of each other, whatever their order.

    Twins are runs with one claim (`strategies.bundles.repro.claim_hash`): same code, data, graph, costs, seeds, trial
    and repro hash. Where their step numbers differ in a single bit, all of them are contradicted.
    """
    claims: dict[str, dict[str, str]] = defaultdict(dict)
    for record in records:
        claims[record.claim_sha256][record.run_id] = record.content_sha256
    twins = [runs for runs in claims.values() if len(runs) > 1]
    agreeing = {run_id for runs in twins if len(set(runs.values())) == 1 for run_id in runs}
    differing = {run_id for runs in twins if len(set(runs.values())) > 1 for run_id in runs}
    return Reproduction(frozenset(agreeing), frozenset(differing))
