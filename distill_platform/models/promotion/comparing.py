"""Comparing: whether a candidate earns more than each control arm, in each window, on the same days, surely enough."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from distill_platform.models.promotion.case import ContenderRun, PromotionCase, WindowResult
from distill_platform.models.promotion.contenders import Contenders
from distill_platform.models.promotion.reasons import Reason, ReasonCode, finite
from distill_platform.models.promotion.settings import PromotionSettings
from distill_platform.stats import bootstrap_prob_mean_positive

WINDOWS = ("validation", "forward")


@dataclass(frozen=True)
class Comparison:
    """The candidate beside one arm in one window; profits and drawdowns as shares of equity.

    `probability` is the share of resamples of the paired days in which the candidate earns more, one that it loses
    added to them: B resamples are never surer than B / (B + 1). NaN where it cannot be computed; `required` is what it
    has to reach.
    """

    window: str
    arm: str
    pnl: float
    arm_pnl: float
    probability: float
    required: float
    drawdown: float
    arm_drawdown: float

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as a JSON value; a number that is not finite is null."""
        return {name: finite(value) for name, value in asdict(self).items()}


def compare(case: PromotionCase, contenders: Contenders, settings: PromotionSettings) -> tuple[Comparison, ...]:
    """Return the candidate beside each arm in each window that both of them have.

    In the forward window the required doubt is shared by all candidates that ever saw a part of it (Bonferroni): the
    best of many looks surer than it is.
    """
    if contenders.candidate is None:
        return ()
    looks = case.opening.trials if case.opening is not None else 1
    required = {"validation": settings.min_probability, "forward": 1.0 - (1.0 - settings.min_probability) / looks}
    found = []
    for window in WINDOWS:
        own = _result(contenders.candidate, window)
        for name, arm in contenders.arms.items():
            other = _result(arm, window)
            if own is not None and other is not None:
                found.append(_compared(window, name, own, other, required[window], settings))
    return tuple(found)


def result_reasons(contenders: Contenders, settings: PromotionSettings) -> Iterator[Reason]:
    """Yield what is wrong with the results by themselves: too few days, no number, or a loss of the candidate's."""
    for who, run in contenders.runs():
        for window in WINDOWS:
            result = _result(run, window)
            if result is not None:
                yield from _of_result(who, window, result, settings.min_days)
    for window in WINDOWS:
        own = None if contenders.candidate is None else _result(contenders.candidate, window)
        if own is not None and math.isfinite(own.pnl_after_cost) and not own.pnl_after_cost > 0.0:
            sentence = f"the candidate earned {own.pnl_after_cost:+.2%} after costs in the {window} window"
            yield Reason(ReasonCode.LOSES_MONEY, sentence, own.pnl_after_cost, 0.0)
        if own is not None and own.max_drawdown >= 1.0:
            sentence = f"the candidate lost everything in the {window} window, whatever its steps add up to"
            yield Reason(ReasonCode.LOSES_MONEY, sentence, own.max_drawdown, 1.0)


def comparison_reasons(comparisons: tuple[Comparison, ...], settings: PromotionSettings) -> Iterator[Reason]:
    """Yield where the candidate did not beat an arm: it earned no more, not surely, or fell deeper."""
    for each in comparisons:
        where = f"control arm {each.arm} in the {each.window} window"
        if not each.pnl > each.arm_pnl:
            sentence = f"it earned {each.pnl:+.2%} after costs, and {where} {each.arm_pnl:+.2%}"
            yield Reason(ReasonCode.NOT_BETTER_THAN_ARM, sentence, each.pnl, each.arm_pnl)
        if not each.probability >= each.required:
            sentence = f"that it earns more than {where} is {each.probability:.1%} sure, not {each.required:.1%}"
            yield Reason(ReasonCode.NOT_SURE_ENOUGH, sentence, each.probability, each.required)
        bound = each.arm_drawdown + settings.max_extra_drawdown
        if not each.drawdown <= bound:
            sentence = f"it fell by {each.drawdown:.2%}, and {where} by {each.arm_drawdown:.2%}"
            yield Reason(ReasonCode.WORSE_DRAWDOWN, sentence, each.drawdown, bound)


def _result(run: ContenderRun, window: str) -> WindowResult | None:
    return run.validation if window == "validation" else run.forward


def _compared(
    window: str, arm: str, own: WindowResult, other: WindowResult, required: float, settings: PromotionSettings
) -> Comparison:
    probability = _probability(own, other, settings)
    pnl, arm_pnl = own.pnl_after_cost, other.pnl_after_cost
    return Comparison(window, arm, pnl, arm_pnl, probability, required, own.max_drawdown, other.max_drawdown)


def _probability(own: WindowResult, other: WindowResult, settings: PromotionSettings) -> float:
    """Return the share of resamples in which the candidate's mean day is better; NaN unless the days are the same."""
    if not np.array_equal(own.daily.days, other.daily.days) or own.days < settings.min_days:
        return math.nan
    gains = own.daily.values - other.daily.values
    if len(gains) != own.days or not np.isfinite(gains).all():
        return math.nan
    share = bootstrap_prob_mean_positive(gains, settings.resamples, seed=settings.seed)
    return share * settings.resamples / (settings.resamples + 1)


def _of_result(who: str, window: str, result: WindowResult, min_days: int) -> Iterator[Reason]:
    if result.days < min_days:
        sentence = f"the {window} window of {who} has {result.days} days, and {min_days} are needed"
        yield Reason(ReasonCode.TOO_FEW_DAYS, sentence, result.days, min_days)
    numbers = {"pnl_after_cost": result.pnl_after_cost, "max_drawdown": result.max_drawdown}
    if not result.stood_still:
        numbers["sharpe"] = result.sharpe
    if not np.isfinite(result.daily.values).all():
        numbers["a daily return"] = math.nan
    if not 0.0 <= result.max_drawdown <= 1.0:
        numbers["max_drawdown"] = math.nan
    for name, value in numbers.items():
        if not math.isfinite(value):
            yield Reason(ReasonCode.NOT_A_NUMBER, f"{name} of {who} in the {window} window is not a number", value)
