"""Leniency: where a line asks less of its candidates than the platform does by itself.

Whoever writes a line may set its bounds. Nobody who approves a model should have to read the line to learn that they
were lowered: it stands on the model's page, in the decision, and in what is put before the approvers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter, gt, lt
from typing import Any

from distill_platform.models.features.settings import GuardSettings
from distill_platform.models.line import ModelLine
from distill_platform.models.promotion.settings import PromotionSettings
from distill_platform.models.rollout.settings import RolloutSettings
from distill_platform.policy.words import Status

_LESS: tuple[tuple[str, Callable[[Any, Any], bool]], ...] = (
    ("guard.max_rank_correlation", gt),
    ("guard.cuts", lt),
    ("promotion.min_probability", lt),
    ("promotion.max_extra_drawdown", gt),
    ("promotion.max_p_value", gt),
    ("promotion.min_days", lt),
    ("rollout.canary", gt),
    ("rollout.min_days", lt),
    ("rollout.keys", lt),
    ("rollout.keys_to_full", lt),
    ("rollout.max_failures", gt),
    ("rollout.min_coverage", lt),
    ("rollout.max_loss", gt),
    ("rollout.drift.quantile", gt),
    ("rollout.drift.min_blocks", lt),
    ("rollout.execution.deviations", gt),
    ("rollout.execution.min_reject_rate", gt),
    ("rollout.execution.min_slippage_bps", gt),
)
_USUAL = {"guard": GuardSettings(), "promotion": PromotionSettings(), "rollout": RolloutSettings()}


def asks_less(line: ModelLine) -> tuple[str, ...]:
    """Return a phrase for each bound of a line that is more lenient than it is by default; none for a usual line."""
    return tuple(_phrases(line))


def _phrases(line: ModelLine) -> Iterator[str]:
    for place, is_less in _LESS:
        room, _, name = place.partition(".")
        asked, usual = attrgetter(place)(line), attrgetter(name)(_USUAL[room])
        if is_less(asked, usual):
            yield f"{place} is {asked:g}, not {usual:g}"
    if line.promotion.worst_verdict is not Status.PASS:
        yield f"promotion.worst_verdict is {line.promotion.worst_verdict}, not {Status.PASS}"
    for gate in PromotionSettings().open_gates:
        if gate not in line.promotion.open_gates:
            yield f"promotion.open_gates leaves out {gate}"
