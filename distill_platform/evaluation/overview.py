"""Overview: the verdicts of some days side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_platform.core.errors import LakeError
from distill_platform.evaluation.stage import Evaluation, rows_of
from distill_platform.evaluation.stages.reporting import index_file


@dataclass(frozen=True)
class Overview:
    """The index rows of judged runs, best Sharpe ratio first, and what was turned away at the door."""

    runs: tuple[dict[str, Any], ...]
    turned_away: tuple[dict[str, Any], ...]
    index: Path


def overview(evaluation: Evaluation, days: Sequence[str]) -> Overview:
    """Return the verdicts on the runs that arrived on some days; days that were not judged have none."""
    runs: list[dict[str, Any]] = []
    turned_away: list[dict[str, Any]] = []
    for day in days:
        try:
            turned_away += rows_of(evaluation.lake.open("run_bundles", day), "refused")
            runs += rows_of(evaluation.lake.open("evaluation_reports", day), "index")
        except LakeError:
            continue
    return Overview(tuple(sorted(runs, key=_by_ratio)), tuple(turned_away), index_file(evaluation.lake.root))


def _by_ratio(run: Mapping[str, Any]) -> tuple[float, str]:
    ratio = run["ratio"]
    return (math.inf if ratio is None or math.isnan(ratio) else -ratio, run["run_id"])
