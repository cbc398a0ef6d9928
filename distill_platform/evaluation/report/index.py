"""The index of an evaluation: all its runs on one page, each with its verdict, why, and a link to its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from distill_platform.evaluation.report import measured
from distill_platform.evaluation.report.checks import checks
from distill_platform.evaluation.report.page import PACKAGE, status_of
from distill_platform.evaluation.report.sentences import gate_reached, headline, verdict
from distill_platform.evaluation.report.view import ReportView
from distill_platform.pages import wording
from distill_platform.pages.rendering import render

_ORDER = ("pass", "warn", "fail")
_NAMES = {"pass": "passed", "warn": "passed with reservations or stopped at a gate", "fail": "refused"}


@dataclass(frozen=True)
class IndexRow:
    """One run of an evaluation. `failed` are the names of what did not hold; `link` is relative to the index."""

    run_id: str
    strategy_id: str
    world_id: str
    stage: str
    status: str
    verdict: str
    gate: str
    sharpe: str
    dsr: str
    n_trials: int
    headline: str
    failed: tuple[str, ...]
    link: str


@dataclass(frozen=True)
class RefusedBundle:
    """A bundle that was not accepted, so nothing in it was judged."""

    run_id: str
    reason: str
    message: str


def index_row(view: ReportView, link: str) -> IndexRow:
    """Return the row of a run whose report lies at `link`, a path relative to the index."""
    failed = [f"integrity: {measured.plain(name)}" for name in view.broken]
    failed += [check.name for check in checks(view) if check.status == "fail" and check.severity == "blocking"]
    return IndexRow(
        run_id=view.manifest.run_id,
        strategy_id=view.manifest.strategy_id,
        world_id=view.manifest.world_id,
        stage=str(view.manifest.stage),
        status=status_of(view),
        verdict=verdict(view),
        gate=gate_reached(view),
        sharpe=measured.sharpe(view),
        dsr=wording.probability(view.trials.dsr),
        n_trials=view.trials.n,
        headline=headline(view),
        failed=tuple(dict.fromkeys(failed)),
        link=quote(link),
    )


def index_page(rows: Sequence[IndexRow], refused: Sequence[RefusedBundle] = ()) -> str:
    """Return one self-contained HTML page over all runs: what passed first, then by strategy and run."""
    ranked = sorted(rows, key=lambda row: (_ORDER.index(row.status), row.strategy_id, row.run_id))
    statuses = Counter(row.status for row in rows)
    return render(
        PACKAGE,
        "index.html",
        rows=ranked,
        refused=sorted(refused, key=lambda bundle: bundle.run_id),
        summary=_summary(len(rows), statuses, len(refused)),
        reasons=_reasons(rows),
        worlds=wording.listed(sorted({row.world_id for row in rows})),
    )


def _summary(total: int, statuses: Counter[str], refused: int) -> str:
    if not total and not refused:
        return "No run was handed in."
    parts = [f"{statuses[status]:,} {_NAMES[status]}" for status in _ORDER if statuses[status]]
    judged = f"{wording.several(total, 'run')} judged: {wording.listed(parts)}." if parts else "No run was judged."
    return judged + (f" {wording.several(refused, 'bundle')} not accepted." if refused else "")


def _reasons(rows: Sequence[IndexRow]) -> list[tuple[str, int]]:
    """Return what runs failed for, the most frequent first."""
    counted = Counter(name for row in rows for name in row.failed)
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))
