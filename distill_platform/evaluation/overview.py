"""Overview: the verdicts of some days side by side, for the terminal and for the page that the reports hang on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_platform.core import canon
from distill_platform.core.errors import LakeError
from distill_platform.evaluation.stage import Evaluation, rows_of
from distill_platform.evaluation.stages.reporting import INDEX, report_folder


@dataclass(frozen=True)
class Overview:
    """Judged runs, best Sharpe ratio first, and what was turned away at the door."""

    lines: tuple[dict[str, Any], ...]
    turned_away: tuple[dict[str, str], ...]
    index: Path


def overview(evaluation: Evaluation, days: Sequence[str]) -> Overview:
    """Return the verdicts on the runs that arrived on some days; days that were not judged have none."""
    lines: list[dict[str, Any]] = []
    turned_away: list[dict[str, str]] = []
    for day in days:
        try:
            received = evaluation.lake.open("run_bundles", day)
            verdicts = rows_of(evaluation.lake.open("rule_results", day), "verdicts")
        except LakeError:
            continue
        turned_away += rows_of(received, "refused")
        lines += [_line(evaluation, row["run_id"]) for row in verdicts]
    ordered = sorted(lines, key=_by_sharpe)
    return Overview(tuple(ordered), tuple(turned_away), report_folder(evaluation.lake.root, "") / INDEX)


def _by_sharpe(line: Mapping[str, Any]) -> tuple[float, str]:
    ratio = line["sharpe"]
    return (-ratio if ratio is not None else float("inf"), line["run_id"])


def _line(evaluation: Evaluation, run_id: str) -> dict[str, Any]:
    """Return one run as its report's document has it."""
    folder = report_folder(evaluation.lake.root, run_id)
    document = canon.parse((folder / "evaluation_report.json").read_bytes())
    manifest = canon.parse((folder / "run_manifest.json").read_bytes())
    judged = canon.parse((folder / "evaluation_run.json").read_bytes())
    returns, robustness = document["metrics"].get("returns", {}), document["metrics"].get("robustness", {})
    return {
        "run_id": run_id,
        "strategy_id": manifest["strategy_id"],
        "ablated": manifest["ablation_spec"] is not None,
        "status": judged["summary"]["status"],
        "recommended_stage": judged["summary"]["recommended_stage"],
        "gate": document["stage_gate"]["stage"],
        "gate_status": document["stage_gate"]["status"],
        "sharpe": returns.get("sharpe_daily"),
        "standard_error": returns.get("sharpe_standard_error"),
        "dsr": robustness.get("deflated_sharpe_ratio"),
        "n_trials": document["trials"]["n"],
        "why": document["verdict"]["headline"],
        "report": str(folder / "evaluation_report.html"),
    }
