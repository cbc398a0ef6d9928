"""Leniency: where a line asks less of its candidates than the platform does by itself.

Whoever writes a line may set its bounds. Nobody who approves a model should have to read the line to learn that they
were lowered: it stands on the model's page, in the decision, and in what is put before the approvers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter, gt, lt
from typing import Any

from distill_platform.core.config import StrictModel
from distill_platform.models.features.settings import GuardSettings
from distill_platform.models.line import ModelLine
from distill_platform.models.promotion.settings import PromotionSettings
from distill_platform.models.rollout.settings import RolloutSettings
from distill_platform.policy.words import Status

_IsLess = Callable[[Any, Any], bool]
_GUARD: Mapping[str, _IsLess] = {"max_rank_correlation": gt, "cuts": lt}
_PROMOTION: Mapping[str, _IsLess] = {
    "min_probability": lt,
    "max_extra_drawdown": gt,
    "max_p_value": gt,
    "min_days": lt,
}
_ROLLOUT: Mapping[str, _IsLess] = {
    "canary": gt,
    "min_days": lt,
    "keys": lt,
    "keys_to_full": lt,
    "max_failures": gt,
    "min_coverage": lt,
    "max_loss": gt,
    "drift.quantile": gt,
    "drift.min_blocks": lt,
    "execution.deviations": gt,
    "execution.min_reject_rate": gt,
    "execution.min_slippage_bps": gt,
}


def promotion_asks_less(line: ModelLine) -> tuple[str, ...]:
    """Return a phrase for each bound of a promotion that is more lenient than by default; none for a usual line."""
    return (
        *_lowered("guard", line.guard, GuardSettings(), _GUARD),
        *_lowered("promotion", line.promotion, PromotionSettings(), _PROMOTION),
        *_accepted(line.promotion),
    )


def rollout_asks_less(settings: RolloutSettings) -> tuple[str, ...]:
    """Return a phrase for each bound of a rollout that is more lenient than by default."""
    return tuple(_lowered("rollout", settings, RolloutSettings(), _ROLLOUT))


def _lowered(room: str, settings: StrictModel, default: StrictModel, bounds: Mapping[str, _IsLess]) -> Iterator[str]:
    for name, is_less in bounds.items():
        asked, usual = attrgetter(name)(settings), attrgetter(name)(default)
        if is_less(asked, usual):
            yield f"{room}.{name} is {asked:g}, not {usual:g}"


def _accepted(settings: PromotionSettings) -> Iterator[str]:
    if settings.worst_verdict is not Status.PASS:
        yield f"promotion.worst_verdict is {settings.worst_verdict}, not {Status.PASS}"
    for gate in PromotionSettings().open_gates:
        if gate not in settings.open_gates:
            yield f"promotion.open_gates leaves out {gate}"
