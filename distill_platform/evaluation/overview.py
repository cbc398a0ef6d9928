"""Overview: the verdicts of some days side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_platform.core.errors import LakeError
from distill_platform.evaluation.stage import Evaluation
from distill_platform.evaluation.stages.judging import UNJUDGED
from distill_platform.evaluation.stages.reporting import index_file
from distill_platform.store.lake.tables import rows_of


@dataclass(frozen=True)
class Overview:
    """The index rows of judged runs, best Sharpe ratio first, and what was turned away at the door."""

    runs: tuple[dict[str, Any], ...]
    turned_away: tuple[dict[str, Any], ...]
    index: Path


def known_days(evaluation: Evaluation) -> list[str]:
    """Return every day whose runs were reported on, in order."""
    return evaluation.lake.partitions("evaluation_reports")


def overview(evaluation: Evaluation, days: Sequence[str]) -> Overview:
    """Return the verdicts on the runs that arrived on some days; days that were not judged have none."""
    runs: list[dict[str, Any]] = []
    turned_away: list[dict[str, Any]] = []
    for day in days:
        try:
            turned_away += turned_away_on(evaluation, day)
            runs += rows_of(evaluation.lake.open("evaluation_reports", day), "index")
        except LakeError:
            continue
    return Overview(tuple(sorted(runs, key=_by_ratio)), tuple(turned_away), index_file(evaluation.lake.root))


def turned_away_on(evaluation: Evaluation, day: str) -> list[dict[str, Any]]:
    """Return what was refused on a day, what waits to be complete, and what nobody could judge, each with the reason.

    Raises LakeError for a day that was not judged.
    """
    unjudged = evaluation.lake.open("rule_results", day).manifest.extra[UNJUDGED]
    hint = "Mend the world's policy: its runs are judged then"
    return rows_of(evaluation.lake.open("run_bundles", day), "refused") + [
        {"name": run_id, "state": UNJUDGED, **told, "hint": hint} for run_id, told in unjudged.items()
    ]


def _by_ratio(run: Mapping[str, Any]) -> tuple[float, str]:
    ratio = run["ratio"]
    return (math.inf if ratio is None or math.isnan(ratio) else -ratio, run["run_id"])
