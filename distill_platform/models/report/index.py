"""The index of models: every line, week and model on one page, each with its verdict, why, and a link to its report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote

from distill_platform.models.report import sentences
from distill_platform.models.report.page import PACKAGE
from distill_platform.models.report.view import Decision, ModelReportView
from distill_platform.pages.rendering import render
from distill_platform.pages.wording import listed, probability, ratio, several

_ORDER = (Decision.RECOMMENDED, Decision.REFUSED, Decision.NOT_UP)
_NAMES = {Decision.RECOMMENDED: "recommended", Decision.REFUSED: "refused", Decision.NOT_UP: "to compare with"}


@dataclass(frozen=True)
class IndexRow:
    """One model of one week, as the index shows it. `codes` are why it is refused; `link` is relative to the index."""

    line: str
    week: str
    name: str
    kind: str
    decision: Decision
    status: str
    verdict: str
    rank_ic: str
    p_value: str
    validation: str
    forward: str
    breakeven: str
    trials: int
    headline: str
    codes: tuple[str, ...]
    link: str


def index_row(view: ModelReportView, link: str) -> IndexRow:
    """Return the row of a model whose report lies at `link`, a path relative to the index."""
    who = view.identity
    return IndexRow(
        line=who.line,
        week=who.week,
        name=who.name,
        kind=f"{who.kind}, {who.policy}" if who.policy else who.kind,
        decision=view.verdict.decision,
        status=sentences.status(view),
        verdict=sentences.verdict(view),
        rank_ic=ratio(view.mean_rank_ic, 3),
        p_value=probability(math.nan if view.null is None else view.null.p_value),
        validation=sentences.beside_arms(view, "validation")[0],
        forward=sentences.beside_arms(view, "forward")[0],
        breakeven=sentences.breakeven(view.costs)[0],
        trials=view.trials.declared,
        headline=sentences.headline(view),
        codes=tuple(dict.fromkeys(reason.code for reason in view.verdict.reasons)),
        link=quote(link),
    )


def index_page(rows: Sequence[IndexRow]) -> str:
    """Return one self-contained HTML page over all models: the newest week first, what is recommended before all."""
    ranked = sorted(rows, key=lambda row: (row.line, _ORDER.index(row.decision), row.name))
    ranked.sort(key=lambda row: row.week, reverse=True)
    reasons = _reasons(rows)
    return render(
        PACKAGE,
        "models.html",
        summary=_summary(rows),
        reasons=reasons,
        most=max((number for _, number in reasons), default=1),
        groups=[(*key, list(group)) for key, group in groupby(ranked, key=lambda row: (row.line, row.week))],
    )


def _summary(rows: Sequence[IndexRow]) -> str:
    if not rows:
        return "No model was trained."
    counted = Counter(row.decision for row in rows)
    parts = [f"{counted[decision]:,} {_NAMES[decision]}" for decision in _ORDER if counted[decision]]
    return f"{several(len(rows), 'model')}: {listed(parts)}."


def _reasons(rows: Sequence[IndexRow]) -> list[tuple[str, int]]:
    """Return what models are refused for, the most frequent first."""
    counted = Counter(code.replace("_", " ") for row in rows for code in row.codes)
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))
