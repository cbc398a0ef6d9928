"""A line with a champion and a challenger in shadow, and days on which all is well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.model_event import ModelEvent
from distill_platform.models.registry import RegistryView, record_event, registry_view
from distill_platform.models.rollout.deciding import Approvers
from distill_platform.models.rollout.observation import Observation
from distill_platform.models.rollout.rolling import Applied, roll_out
from distill_platform.models.rollout.settings import RolloutSettings
from distill_platform.store.ledger import Ledger
from distill_platform_tests.models.made_models import LINE, MONDAY, event, reference

OLD, NEW, OTHER = reference("tabular", "1"), reference("blend", "2"), reference("ridge", "3")
SETTINGS = RolloutSettings(min_days=2)
APPROVERS = Approvers("crypto_hourly", ("Ada Lovelace", "grace@example.org"))
TO_CHAMPION = ("registered", "shadow", "canary", "stage", "promoted")


def day(number: int) -> datetime:
    """Return the end of a day, counted from MONDAY."""
    return MONDAY + timedelta(days=number)


def good(artifact: ArtifactReference, number: int, **changes: Any) -> Observation:
    """Return a day on which all was well, with changes."""
    plain = Observation(artifact.artifact_sha256, day(number), 1.0, 0.001, 0.5, "volume", 0.1, 0.2)
    return replace(plain, **changes)


def bad(artifact: ArtifactReference, number: int) -> Observation:
    """Return a day that does not pass, and raises no alarm by itself."""
    return good(artifact, number, failed_gates=("live_sharpe",))


def rise(artifact: ArtifactReference, hour: int, steps: int = 5) -> list[ModelEvent]:
    """Return the events of a model on its way up, an hour apart."""
    made = [event(kind, artifact, hour + place) for place, kind in enumerate(TO_CHAMPION[:steps])]
    return [
        each.model_copy(update={"evidence": {"salt": SETTINGS.salt}}) if each.kind == "canary" else each
        for each in made
    ]


def with_line(ledger: Ledger, steps: int = 2) -> RegistryView:
    """Return a line with OLD as champion and NEW some steps up, all within MONDAY."""
    for each in [*rise(OLD, 0), *rise(NEW, 6, steps)]:
        record_event(ledger, each)
    return registry_view(ledger, LINE)


def rolled(ledger: Ledger, observations: Iterable[Observation], number: int, **changes: Any) -> tuple[Applied, ...]:
    """Return what the rollout did at the end of a day."""
    settings = SETTINGS.model_copy(update=changes)
    return roll_out(ledger, LINE, list(observations), APPROVERS, settings, day(number))


def states(ledger: Ledger) -> dict[str, str]:
    """Return where each model stands."""
    view = registry_view(ledger, LINE)
    return {each.artifact.name: each.state.value for each in view.standings.values()}
