"""Judging a run: every rule of the profile of its stage, and what they come to together."""

from __future__ import annotations

import math
from dataclasses import dataclass

from distill_platform.policy.catalogue import CATALOGUE
from distill_platform.policy.rules import Metrics, RuleResult
from distill_platform.policy.rules.bound import number
from distill_platform.policy.rules.result import NO_RULES_CONFIGURED, numbers
from distill_platform.policy.summary import Summary, summarize
from distill_platform.policy.words import Owner, Severity, Stage, Status
from distill_platform.policy.world import World

INTEGRITY = "integrity"
INTEGRITY_BROKEN = "integrity_broken"
_BROKEN = "triage.integrity_broken"
_FOLDS = "invariants.folds_match_steps"  # folds that claim too much do not count, and break nothing
_INVARIANTS = tuple(name for name in CATALOGUE if name.startswith("invariants.") and name != _FOLDS)


@dataclass(frozen=True)
class Judgement:
    """What the rules say of a run, in their order, and the summary."""

    results: tuple[RuleResult, ...]
    summary: Summary


def judge_run(world: World, stage: Stage, metrics: Metrics) -> Judgement:
    """Return the verdict on a run with these metrics, by the profile of its stage.

    A run whose accounting is broken fails, whatever the rules look at. A pure function of its arguments. Raises
    ConfigError for a stage without a profile.
    """
    rules = world.rules(stage)
    results = [result for rule in rules for result in rule.judge(metrics)]
    if broken := _broken(metrics):
        results.append(_disbelieved(broken))
    if not any(rule.configured for rule in rules):
        results.append(_nothing_asked(world, stage))
    return Judgement(tuple(results), summarize(results))


def _broken(metrics: Metrics) -> list[str]:
    """Return which signs say that a run's accounting does not hold; of those that are not there, nothing is known."""
    broken = [name for name in _INVARIANTS if metrics.get(name) is False]
    return [*broken, *([_BROKEN] if metrics.get(_BROKEN) is True else [])]


def _disbelieved(broken: list[str]) -> RuleResult:
    reason = f"its numbers cannot be believed: {', '.join(broken)}"
    details = numbers(None, None, None)
    tags = (INTEGRITY_BROKEN, *broken)
    return RuleResult(INTEGRITY, Status.FAIL, Severity.BLOCKING, Owner.QUANT, INTEGRITY_BROKEN, reason, tags, details)


def validation_health(world: World, stage: Stage, metrics: Metrics) -> dict[str, float]:
    """Return the two `diagnostics.validation_health` metrics, by leaf: shares of what the profile of a stage needs.

    How many of the metrics are there and usable, and how many of the configured rules have all of theirs; NaN where
    the profile asks for nothing.
    """
    needs = [{name for bound in rule.bounds for name in bound.needs} for rule in world.rules(stage) if rule.configured]
    asked = set().union(*needs)
    usable = {name for name in asked if number(metrics.get(name)) is not None}
    return {
        "metric_coverage_ratio": len(usable) / len(asked) if asked else math.nan,
        "rules_executed_ratio": sum(names <= usable for names in needs) / len(needs) if needs else math.nan,
    }


def _nothing_asked(world: World, stage: Stage) -> RuleResult:
    reason = f"the profile of stage {stage} in world {world.world_id} asks for nothing, and nothing is no pass"
    details = numbers(None, None, None)
    code = NO_RULES_CONFIGURED
    return RuleResult("profile", Status.FAIL, Severity.BLOCKING, Owner.QUANT, code, reason, (code,), details)
