"""Rolling: what a day has shown of the models that serve or challenge, and what follows from it, recorded once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from distill_platform.core.utc import from_epoch
from distill_platform.evaluation.stage import ledger_input
from distill_platform.governance.reviews import sound_reviews
from distill_platform.models.line import ModelLine
from distill_platform.models.registry import ModelState, RegistryView, Standing
from distill_platform.models.registry_history import events_beside, view_at, view_then
from distill_platform.models.rollout.deciding import ACTOR, ActionKind, Approvers
from distill_platform.models.rollout.observation import Observation
from distill_platform.models.rollout.rolling import Applied, roll_out, watched
from distill_platform.models.stage import Models, each_line, publish
from distill_platform.models.stages.days import Days
from distill_platform.models.stages.observing import observe
from distill_platform.models.terms import costs_of
from distill_platform.models.weeks import DAY_NS, day_ns
from distill_platform.store.lake import Check, Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables

_READ = ("market_bars", "features", "predictions")


def roll_day(models: Models, day: str) -> Manifest:
    """Return the published day of `model_rollout`, after recording what follows from it.

    Made again, it records nothing twice. What is recorded counts from the end of the day on.
    """
    inputs: dict[str, Input] = {}
    made, failures = each_line(models, _rolled, day, inputs)
    tables = {
        "standings": [row for one in made.values() for row in _standing_rows(one.after)],
        "actions": [row for line, one in made.items() for row in _action_rows(line, one.applied)],
        "observations": [row for line, one in made.items() for row in _observation_rows(line, one.observations)],
        "refused": [failure.row() for failure in failures] + [row for one in made.values() for row in one.unobserved],
    }
    kept = sum(len(rows) for name, rows in tables.items() if name != "refused")
    quarantined = {"refused": len(tables["refused"])} if tables["refused"] else {}
    counts = Counts(kept + len(tables["refused"]), kept, quarantined=quarantined)
    return publish(models, "model_rollout", day, MadeTables(tables, inputs, counts, list(_checks(made))))


@dataclass(frozen=True, eq=False)
class _Rolled:
    """A line's day: where it stood before and after, what was seen, what was done, and what nobody could speak of."""

    before: RegistryView = field(repr=False)
    after: RegistryView = field(repr=False)
    observations: tuple[Observation, ...] = field(repr=False)
    applied: tuple[Applied, ...]
    unobserved: list[dict[str, str]]


def _rolled(models: Models, line: ModelLine, day: str, inputs: dict[str, Input]) -> _Rolled:
    world, as_of = models.settings.world_of(line), from_epoch((day_ns(day) + DAY_NS) / 10**9)
    before = view_then(models.ledger, line.name, ACTOR, as_of)
    days = Days(models, line)
    inputs[f"state:{line.name}"] = _state(models, line, as_of)
    seen = {each: observe(models, line, each, day, days, costs_of(world)) for each in watched(before)}
    inputs |= _remembered(line, day, days)
    observations = tuple(each for one in seen.values() for each in one.observations)
    approvers = Approvers(world.world_id, tuple(world.governance.approvers))
    applied = roll_out(models.ledger, line.name, observations, approvers, line.rollout, as_of)
    unobserved = [_unobserved_row(standing, why) for standing, one in seen.items() for why in one.unobserved]
    return _Rolled(before, view_at(models.ledger, line.name, as_of), observations, applied, unobserved)


def _state(models: Models, line: ModelLine, as_of: datetime) -> Input:
    """Return how to remember what was recorded of a line, but for what this very day records: events and reviews."""
    told: list[Mapping[str, Any]] = [event.to_body() for event in events_beside(models.ledger, line.name, ACTOR, as_of)]
    told += [
        {"review": state.id, "number": state.number, "status": state.status.value}
        for state in sound_reviews(models.ledger)
        if state.recommendation.subject.get("line") == line.name
    ]
    return ledger_input(told)


def _remembered(line: ModelLine, day: str, days: Days) -> dict[str, Input]:
    """Return how to remember the day's own partitions, and with one hash those of all the days before it."""
    own = {name: read for name, read in days.inputs.items() if name in {f"{dataset}/{day}" for dataset in _READ}}
    earlier = [{"name": name, "content": read.content_hash} for name, read in days.inputs.items() if name not in own]
    return {**own, f"earlier:{line.name}": ledger_input(earlier)}


def _standing_rows(view: RegistryView) -> Iterator[dict[str, Any]]:
    """Yield where the models stand that are, or ever were, more than registered."""
    for standing in view.standings.values():
        if standing.state is not ModelState.REGISTERED:
            yield {
                "line": view.line,
                "name": standing.artifact.name,
                "version": standing.artifact.version,
                "artifact_sha256": standing.artifact.artifact_sha256,
                "state": standing.state.value,
                "share": standing.share,
                "since": standing.since,
            }


def _action_rows(line: str, applied: tuple[Applied, ...]) -> Iterator[dict[str, Any]]:
    for each in applied:
        yield {
            "line": line,
            "artifact_sha256": each.action.artifact.artifact_sha256,
            "kind": each.action.kind.value,
            "sentence": each.action.sentence,
            "review": None if each.review is None else each.review.id,
            "too_late": each.too_late,
        }


def _observation_rows(line: str, observations: tuple[Observation, ...]) -> Iterator[dict[str, Any]]:
    """Yield the observations as rows; what nobody could find out is missing."""
    for each in observations:
        yield {
            "line": line,
            "artifact_sha256": each.artifact_sha256,
            "at": each.at,
            "coverage": each.coverage,
            "drift_feature": each.drift_feature,
            "failed_gates": list(each.failed_gates),
            "ret_net": _known(each.ret_net),
            "drift": _known(each.drift),
            "reject_ratio": _known(each.reject_ratio),
            "slippage_ratio": _known(each.slippage_ratio),
        }


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _unobserved_row(standing: Standing, why: str) -> dict[str, str]:
    artifact = standing.artifact
    reason = f"{artifact.name} {artifact.version} was not observed: {why}"
    return {"line": artifact.line, "reason": reason, "artifact_sha256": artifact.artifact_sha256}


def _checks(made: Mapping[str, _Rolled]) -> Iterator[Check]:
    strangers = [
        f"{line} {each.artifact_sha256[:12]} {each.at:%Y-%m-%d}"
        for line, one in made.items()
        for each in one.observations
        if not _stood(one.before, each)
    ]
    told = "observations of models that did not serve or challenge on that day"
    yield check("provenance", told, len(strangers), sample=strangers)
    taken = [
        each.action.sentence
        for one in made.values()
        for each in one.applied
        if each.action.kind is ActionKind.ROLL_BACK and not each.too_late
    ]
    found = check("no_rollback", "models that were taken back", len(taken), sample=taken)
    yield replace(found, blocking=False)


def _stood(view: RegistryView, seen: Observation) -> bool:
    standings = {standing.artifact.artifact_sha256: standing for standing in watched(view)}
    standing = standings.get(seen.artifact_sha256)
    return standing is not None and standing.since < seen.at
