"""Gaming: signs that a gate was worked rather than passed, read from what the ledger keeps.

Five ways were seen in practice: superseding failing runs until one passes, cutting costs, lowering thresholds, handing
one run in many times, and passing by doing nothing. None needs a bad intention; each makes a verdict worth less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from distill_platform.core.errors import TrialError
from distill_platform.evaluation.loosening import loosened
from distill_platform.evaluation.trials import TrialRecord
from distill_platform.policy.rules.result import RuleResult, numbers
from distill_platform.policy.words import Owner, Severity, Status

RULE = "gaming"
_BELOW_SEALED = 0.05  # what a run pays per unit of turnover varies a little with what it trades,
_CUT = 0.5  # and from run to run by more than that: half is no accident
_INACTIVE = ("triage.no_activity", "triage.zero_trades")
_COSTS = ("fee", "slippage")


class GamingSign(StrEnum):
    """The five signs; each is a metric `gaming.<sign>` and a reason code."""

    SUPERSEDE_TO_PASS = "supersede_to_pass"
    COST_CHANGE = "cost_change"
    THRESHOLD_CHANGE_AFTER_FAILURE = "threshold_change_after_failure"
    DUPLICATE_EVIDENCE = "duplicate_evidence"
    PASS_BY_INACTIVITY = "pass_by_inactivity"


@dataclass(frozen=True)
class GamingFlag:
    """One sign: whether it shows, in which words, and the runs that it was seen in."""

    sign: GamingSign
    raised: bool
    evidence: str
    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class GamingFlags:
    """All five flags of a run, in their order, and the earlier failures that it repeats without saying so.

    `repeats` are failed runs of the same strategy, window, campaign and trial index that it does not supersede: no
    sign by themselves, since seeds are repeated too, but they count as trials and a reader should know of them.
    """

    flags: tuple[GamingFlag, ...]
    repeats: tuple[str, ...]

    @property
    def raised(self) -> tuple[GamingFlag, ...]:
        """Return the flags that are raised."""
        return tuple(flag for flag in self.flags if flag.raised)

    def metrics(self) -> dict[str, bool]:
        """Return the flags in the names of the catalogue."""
        return {f"gaming.{flag.sign}": flag.raised for flag in self.flags}


@dataclass(frozen=True)
class PastVerdict:
    """An earlier evaluation of a run, as the ledger has it: what came out, and under which ruleset."""

    run_id: str
    world_id: str
    strategy_id: str
    status: str
    ruleset_hash: str

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> PastVerdict:
        """Return what matters of the body of an EvaluationRun; TrialError where it is not there."""
        try:
            verdict = cls(
                body["run_id"],
                body["world_id"],
                body["strategy_id"],
                body["summary"]["status"],
                body["validation"]["ruleset_hash"],
            )
        except (KeyError, TypeError) as error:
            raise TrialError(f"an evaluation in the ledger lacks {error}", hint="Verify the ledger") from None
        return verdict

    @property
    def failed(self) -> bool:
        """Return whether the run failed."""
        return self.status == Status.FAIL


def gaming_flags(
    run: TrialRecord,
    records: Sequence[TrialRecord],
    evaluations: Iterable[Mapping[str, Any]],
    policies: Iterable[Mapping[str, Any]],
    ruleset_hash: str,
    metrics: Mapping[str, object],
) -> GamingFlags:
    """Return the flags of a run that is being judged under `ruleset_hash`.

    `records` are the trials of its cohort and of its strategy, with or without the run itself; their order does not
    matter, so that nobody hands the cheap run in first. `evaluations` are the bodies of all verdicts before this one on
    any of those runs, its own included, and `policies` the bodies of its world's policy stream. `metrics` are its own,
    of which the two of inactivity are read. Runs of other worlds are left alone.

    Raises TrialError for bodies that are none, and if the ruleset that judges is not among the policies.
    """
    here = [record for record in records if record.world_id == run.world_id]
    verdicts = [found for body in evaluations if (found := PastVerdict.from_body(body)).world_id == run.world_id]
    rulesets = {body["ruleset_hash"]: body["policy"] for body in policies}
    if ruleset_hash not in rulesets:
        hint = "Record the world's policy before judging under it"
        raise TrialError(f"the ruleset {ruleset_hash[:12]} is not in the ledger", hint=hint)
    failed = {verdict.run_id for verdict in verdicts if verdict.failed} | {
        each.run_id for each in here if not each.sound
    }
    others = [record for record in here if record.run_id != run.run_id]
    return GamingFlags(
        flags=(
            _supersede_to_pass(run, here, failed),
            _cost_change(run, [record for record in others if record.run_id in failed], rulesets[ruleset_hash]),
            _threshold_change(verdicts, rulesets, ruleset_hash),
            _duplicate_evidence(run, others),
            _pass_by_inactivity(run, metrics),
        ),
        repeats=_repeats(run, others, failed),
    )


def gaming_results(flags: GamingFlags, counts_for_release: bool) -> tuple[RuleResult, ...]:
    """Return a failed RuleResult for each raised flag, blocking if the run counts for release; none if all is well."""
    severity = Severity.BLOCKING if counts_for_release else Severity.SOFT
    return tuple(_result(flag, severity) for flag in flags.raised)


def _result(flag: GamingFlag, severity: Severity) -> RuleResult:
    details = {**numbers(True, None, None), "run_ids": list(flag.run_ids)}
    return RuleResult(RULE, Status.FAIL, severity, Owner.RISK, flag.sign, flag.evidence, (flag.sign,), details)


def _supersede_to_pass(run: TrialRecord, records: Sequence[TrialRecord], failed: set[str]) -> GamingFlag:
    replaced = list(_replaced(run, {record.run_id: record for record in records}))
    losers = tuple(run_id for run_id in replaced if run_id in failed)
    if losers:
        evidence = f"It takes the place of {_count(len(losers), 'run')} that failed: {_listed(losers)}."
    else:
        evidence = "It takes no failed run's place." if replaced else "It supersedes nothing."
    return GamingFlag(GamingSign.SUPERSEDE_TO_PASS, bool(losers), evidence, losers)


def _replaced(run: TrialRecord, by_id: Mapping[str, TrialRecord]) -> Iterator[str]:
    """Yield the runs that a run supersedes, directly and through others, the latest first."""
    seen, place = {run.run_id}, run.supersedes
    while place is not None and place not in seen:
        yield place
        seen.add(place)
        place = by_id[place].supersedes if place in by_id else None


def _cost_change(run: TrialRecord, losers: Sequence[TrialRecord], policy: Mapping[str, Any]) -> GamingFlag:
    cuts = [cut for loser in losers for cut in _cuts(run, loser)]
    below = [
        said for cost in _COSTS if (said := _below_sealed(run, cost, (policy.get("costs") or {}).get(f"{cost}_bps")))
    ]
    evidence = [f"{cuts[0][1]} in {cuts[0][0]}, which failed."] if cuts else []
    runs = tuple(dict.fromkeys(run_id for run_id, _ in cuts))
    said = " ".join([*evidence, *below]) or "Its costs are no lower than the world's and those of earlier failures."
    return GamingFlag(GamingSign.COST_CHANGE, bool(cuts or below), said, runs)


def _cuts(run: TrialRecord, loser: TrialRecord) -> Iterator[tuple[str, str]]:
    """Yield the failed run and a sentence for each cost that is lower now, declared or paid."""
    for cost in _COSTS:
        for kind, name, slack in (
            (f"Declared {cost}", f"declared_{cost}_bps", 0.0),
            (f"Paid {cost}", f"{cost}_bps", _CUT),
        ):
            now, then = getattr(run, name), getattr(loser, name)
            if now is not None and then is not None and now < then * (1.0 - slack):
                yield loser.run_id, f"{kind} is {now:.4g} bps and was {then:.4g} bps"


def _below_sealed(run: TrialRecord, cost: str, sealed: float | None) -> str:
    if sealed is None:
        return ""
    declared, paid = getattr(run, f"declared_{cost}_bps"), getattr(run, f"{cost}_bps")
    if declared is not None and declared < sealed:
        return f"Declared {cost} is {declared:.4g} bps; the world's is {sealed:.4g} bps."
    if paid is not None and paid < sealed * (1.0 - _BELOW_SEALED):
        return f"Paid {cost} is {paid:.4g} bps; the world's is {sealed:.4g} bps."
    return ""


def _threshold_change(
    verdicts: Sequence[PastVerdict], rulesets: Mapping[str, Mapping[str, Any]], ruleset_hash: str
) -> GamingFlag:
    changes: list[str] = []
    losers: list[str] = []
    for old_hash in dict.fromkeys(verdict.ruleset_hash for verdict in verdicts if verdict.failed):
        found = _what_changed(old_hash, rulesets, ruleset_hash)
        changes += [change for change in found if change not in changes]
        if found:
            losers += [verdict.run_id for verdict in verdicts if verdict.failed and verdict.ruleset_hash == old_hash]
    if not changes:
        evidence = "No policy that a run failed under was stricter than this one."
        return GamingFlag(GamingSign.THRESHOLD_CHANGE_AFTER_FAILURE, False, evidence)
    runs = tuple(dict.fromkeys(losers))
    more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    evidence = f"The policy asks for less than when {_listed(runs)} failed: {'; '.join(changes[:3])}{more}."
    return GamingFlag(GamingSign.THRESHOLD_CHANGE_AFTER_FAILURE, True, evidence, runs)


def _what_changed(old_hash: str, rulesets: Mapping[str, Mapping[str, Any]], new_hash: str) -> list[str]:
    if old_hash == new_hash:
        return []
    if old_hash not in rulesets:
        return [f"ruleset {old_hash[:12]} is not in the ledger, so nobody can tell what it asked for"]
    return loosened(rulesets[old_hash], rulesets[new_hash])


def _duplicate_evidence(run: TrialRecord, others: Sequence[TrialRecord]) -> GamingFlag:
    """Look for the run's content under other names: all but the first by run_id are repeats, whoever came first.

    An ablation that changed nothing repeats its base honestly.
    """
    same = () if run.ablation is not None else tuple(
        record.run_id
        for record in others
        if record.content_sha256 == run.content_sha256 and record.run_id < run.run_id and record.ablation is None
    )  # fmt: skip
    evidence = f"Bit for bit the same as {_listed(same)}." if same else "No other run has the same numbers before it."
    return GamingFlag(GamingSign.DUPLICATE_EVIDENCE, bool(same), evidence, same)


def _pass_by_inactivity(run: TrialRecord, metrics: Mapping[str, object]) -> GamingFlag:
    idle = [name for name in _INACTIVE if metrics.get(name) is True]
    flat = run.sharpe is None and run.n_days > 0
    untraded = run.fee_bps is None and run.slippage_bps is None
    if idle:
        evidence = f"It does next to nothing ({', '.join(idle)}): its small losses say nothing about risk."
    elif flat:
        evidence = "Its returns never move: its small losses say nothing about risk."
    else:
        evidence = "It turned nothing over." if untraded else "It was at work."
    return GamingFlag(GamingSign.PASS_BY_INACTIVITY, bool(idle or flat or untraded), evidence)


def _repeats(run: TrialRecord, earlier: Sequence[TrialRecord], failed: set[str]) -> tuple[str, ...]:
    replaced = set(_replaced(run, {record.run_id: record for record in earlier}))
    return tuple(
        record.run_id
        for record in earlier
        if record.run_id in failed - replaced - {run.run_id} and record.ablation is None and _same_try(record, run)
    )


def _same_try(one: TrialRecord, other: TrialRecord) -> bool:
    names = ("strategy_id", "stage", "campaign_id", "trial_index", "window")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _listed(run_ids: Sequence[str]) -> str:
    more = f" and {len(run_ids) - 5} more" if len(run_ids) > 5 else ""
    return ", ".join(run_ids[:5]) + more
