"""Steps: how far a model can go from where it stands, and whose approval it takes."""

from __future__ import annotations

from dataclasses import dataclass

from distill_platform.models.model_event import ModelEventKind
from distill_platform.models.registry import CHALLENGING, ModelState, Standing
from distill_platform.models.rollout.settings import RolloutSettings


@dataclass(frozen=True)
class Step:
    """One step up: what happens, which share of the units is served after it (None: all), and how many approve it."""

    kind: ModelEventKind
    share: float | None
    keys: int

    @property
    def name(self) -> str:
        """Return what a recommendation calls it: "canary_0.1", "stage_0.25", "full"."""
        return "full" if self.share is None else f"{self.kind.value}_{self.share:g}"


def next_step(standing: Standing, settings: RolloutSettings) -> Step | None:
    """Return the step that follows where a model stands.

    None for one that is no challenger, and for a canary that serves more than any stage: nobody goes from there to all.
    """
    if standing.state not in CHALLENGING:
        return None
    if standing.state is ModelState.SHADOW:
        return Step(ModelEventKind.CANARY, settings.canary, settings.keys)
    higher = next((share for share in settings.stages if share > standing.share), None)
    if higher is not None:
        return Step(ModelEventKind.STAGE, higher, settings.keys)
    if standing.state is ModelState.CANARY:
        return None
    return Step(ModelEventKind.PROMOTED, None, settings.keys_to_full)
