"""What a report says of a model, in words: the same on the page, in Markdown and in the index."""

from __future__ import annotations

import math

from distill_platform.models.chain.entrants import Role
from distill_platform.models.report.view import (
    CostCurveView,
    Decision,
    InformationUnit,
    InformationView,
    ModelReportView,
    ReasonView,
    ResultView,
)
from distill_platform.pages import wording
from distill_platform.pages.wording import count, percent, probability, ratio, several, signed, unmasked, visible

_VERDICTS = {Decision.RECOMMENDED: "Recommended", Decision.REFUSED: "Refused"}
_NOT_UP = {
    Role.ARM: "A control arm: frozen, on bars alone, there to be beaten and never promoted.",
    Role.ABLATION: "An ablation: it shows what a part of the candidate adds, and is never promoted.",
    Role.CANDIDATE: "Nobody has asked for its promotion.",
}
_STATUSES = {Decision.RECOMMENDED: "pass", Decision.REFUSED: "fail", Decision.NOT_UP: "closed"}
_ROLES = {Role.ARM: "control arm", Role.CANDIDATE: "candidate", Role.ABLATION: "ablation"}
_OF_COSTS = "of the costs it paid"
NOTHING_AGAINST = "Nothing speaks against it: every check held."


def verdict(view: ModelReportView) -> str:
    """Return the verdict in one or two words; for a model that is not up for promotion, what it is."""
    role = _ROLES[view.identity.role]
    return _VERDICTS.get(view.verdict.decision, f"{role[:1].upper()}{role[1:]}")


def role_name(role: Role) -> str:
    """Return what a role is called."""
    return _ROLES[role]


def status(view: ModelReportView) -> str:
    """Return what a page is coloured by: pass, fail, or closed for a model that is not up for promotion."""
    return _STATUSES[view.verdict.decision]


def headline(view: ModelReportView) -> str:
    """Return the verdict with its first reason, as sentences."""
    decision, reasons = view.verdict.decision, view.verdict.reasons
    if decision is Decision.NOT_UP:
        return _NOT_UP[view.identity.role]
    if decision is Decision.RECOMMENDED:
        return "Recommended for promotion. It serves nobody before a named person approves."
    if not reasons:
        return "Refused, and no reason was given: what is not known is no pass."
    return f"Refused for {several(len(reasons), 'reason')}. {sentence(reasons[0].sentence)}"


def leniency(view: ModelReportView) -> str:
    """Return where the model's line asks less than usual, as a sentence; "" where it does not."""
    lenient = "; ".join(view.verdict.asks_less)
    return f"The line asks less than usual of its candidates: {lenient}." if lenient else ""


def sentence(text: str) -> str:
    """Return foreign words as a sentence that begins with a capital letter and ends."""
    shown = unmasked(text).strip()
    return shown if not shown else f"{shown[:1].upper()}{shown[1:]}{'' if shown[-1] in '.!?' else '.'}"


def value(shown: float | int | str | None) -> str:
    """Return an observed value or a threshold; a dash for none."""
    if shown is None:
        return "–"
    if isinstance(shown, bool):
        return "yes" if shown else "no"
    if isinstance(shown, str):
        return visible(shown) or "–"
    if isinstance(shown, int):
        return count(shown)
    if math.isnan(shown):
        return "not a number"
    return f"{shown:.4g}".replace("-", "−")


def reason_rows(view: ModelReportView) -> list[tuple[str, str, str, str]]:
    """Return each reason against a model: the sentence, observed, needed, and its code."""
    return [_reason(reason) for reason in view.verdict.reasons]


def beside_arms(view: ModelReportView, window: str) -> tuple[str, str]:
    """Return what the model made in a window after costs, and what the best of the others did there."""
    own = view.result_of(view.equity[0].contender, window) if view.equity else None
    if own is None:
        return wording.NOT_MEASURED, "no steps in this window"
    others = [one for one in view.results_in(window) if one.contender != own.contender and math.isfinite(one.net)]
    if not others:
        return percent(own.net), "no control arm beside it"
    best = max(others, key=lambda one: one.net)
    other = "other arm" if view.identity.role is Role.ARM else "best arm"
    return percent(own.net), f"{other} {percent(best.net)}"


def result_row(result: ResultView) -> tuple[str, ...]:
    """Return what a contender made in a window, as cells of a table."""
    return (
        visible(result.contender),
        percent(result.net),
        percent(result.costs),
        ratio(result.sharpe),
        percent(result.max_drawdown),
        f"×{ratio(result.turnover, 1)}",
        count(result.days),
    )


def breakeven(costs: CostCurveView) -> tuple[str, str]:
    """Return how many times the costs paid leave nothing, and of what; none where it loses anyway, or paid nothing."""
    if not math.isfinite(costs.breakeven):
        return "none", "it paid no costs"
    return ("none", "it loses before costs") if costs.breakeven <= 0.0 else (f"×{ratio(costs.breakeven)}", _OF_COSTS)


def information(found: tuple[InformationView, ...]) -> str:
    """Return what events were worth out of sample, with intervals, a few words for each measure."""
    return " ".join(map(_worth, found)) or "Not measured: no model without events ran beside this one."


def trials(view: ModelReportView) -> str:
    """Return how much was tried before this model, in sentences."""
    tried = f"{several(view.trials.declared, 'trial')} in training, pruned and failed ones counted."
    if not view.trials.openings:
        return f"{tried} Nobody has opened the forward window."
    looks = several(len(view.trials.openings), "opening")
    return f"{tried} {several(view.trials.seen, 'candidate')} saw the forward window, or a part of it, in {looks}."


def findings(view: ModelReportView) -> str:
    """Return what the guard found, in a sentence; the table tells what."""
    if view.findings is None:
        return "Not looked at: nobody checked the features of this model."
    if not view.findings:
        return "No feature changes with the future, and none predicts too well to be honest."
    return f"{several(len(view.findings), 'finding')}: such a model is never promoted."


def _reason(reason: ReasonView) -> tuple[str, str, str, str]:
    return sentence(reason.sentence), value(reason.observed), value(reason.threshold), visible(reason.code)


def _worth(found: InformationView) -> str:
    if not math.isfinite(found.estimate):
        return f"Not measured: {several(found.days, 'day')} in common are too few to tell."
    what = "net return" if found.unit is InformationUnit.NET_RETURN else "rank correlation"
    low, high = (_gain(bound, found.unit) for bound in (found.low, found.high))
    interval = f"95 % interval {low} to {high}, p {probability(found.p)}, {several(found.days, 'day')}"
    says = "They help" if found.low > 0 else "They hurt" if found.high < 0 else "Nobody can tell whether they help"
    return f"Events changed the daily {what} out of sample by {_gain(found.estimate, found.unit)} ({interval}). {says}."


def _gain(amount: float, unit: InformationUnit) -> str:
    if unit is InformationUnit.RANK_CORRELATION:
        return signed(amount, 4)
    return f"{'+' if amount > 0 else ''}{percent(amount, 3)}"
