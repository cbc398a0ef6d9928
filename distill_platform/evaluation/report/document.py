"""The document that a machine reads: `evaluation_report.json`, in the names of the contract.

What is not known is null: a NaN, an infinity, a metric that nobody computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from distill_platform.core.canon import json_value
from distill_platform.core.utc import iso
from distill_platform.evaluation.report.sentences import findings, headline
from distill_platform.evaluation.report.view import Metric, ReportView

_GROUPS = (
    "returns", "sample", "risk", "robustness", "diagnostics", "wf", "regime", "benchmark", "cohort", "live",
)  # fmt: skip


def report_document(view: ReportView) -> dict[str, Any]:
    """Return `evaluation_report.json` as a JSON value.

    Beside the contract's keys: `verdict` (the headline and what did not hold, in sentences), `trials`, `gaming`,
    `contributions` and `release`, without which nobody could say from the file alone why a run was refused.
    """
    document: dict[str, Any] = json_value(
        {
            "meta": _meta(view),
            "verdict": {"headline": headline(view), "findings": [asdict(found) for found in findings(view)]},
            "integrity": _integrity(view),
            "metrics": {group: nested(view.group(group)) for group in _GROUPS if view.group(group)},
            "stress": _stress(view),
            "portfolio_fit": _portfolio(view),
            "triage": {"tags": list(view.triage.tags), "reason": view.triage.reason},
            "stage_gate": _stage_gate(view),
            "trials": asdict(view.trials),
            "gaming": {flag.flag: {"raised": flag.raised, "why": flag.sentence} for flag in view.gaming},
            "contributions": [asdict(node) | {"by_regime": dict(node.by_regime)} for node in view.contributions],
            "release": _release(view),
        }
    )
    return document


def nested(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """Return metrics with dotted names as objects within objects."""
    found: dict[str, Any] = {}
    for name, value in metrics.items():
        *groups, leaf = name.split(".")
        place = found
        for group in groups:
            place = place.setdefault(group, {})
        place[leaf] = value
    return found


def _meta(view: ReportView) -> dict[str, Any]:
    manifest = view.manifest
    names = ("world_id", "strategy_id", "run_id", "stage", "commit_sha", "data_preset", "dataset_fingerprint")
    meta = {name: getattr(manifest, name) for name in names} | {"as_of": iso(manifest.as_of)}
    return meta | {"bundle_sha256": view.bundle_sha256, "ruleset_hash": view.policy.ruleset_hash}


def _integrity(view: ReportView) -> dict[str, Any]:
    status = "fail" if view.broken else "pass"
    return {"status": status, "invariants": view.group("invariants"), "notes": list(view.notes)}


def _stress(view: ReportView) -> dict[str, Any]:
    scenarios = {
        line.name: {name: value for name, value in asdict(line).items() if name != "name"} for line in view.scenarios
    }
    curve = [{"added_bps": added, "net_sharpe": sharpe} for added, sharpe in view.costs.curve]
    regimes = [asdict(regime) for regime in view.regimes]
    return {"scenarios": scenarios, "breakeven_bps": view.costs.breakeven_bps, "cost_curve": curve, "regimes": regimes}


def _portfolio(view: ReportView) -> dict[str, Any]:
    metrics = view.group("portfolio")
    names = ("marginal_var_99", "marginal_es_99", "portfolio_sharpe_uplift")
    risk = view.group("risk")
    incremental = {name: risk.get(name) for name in ("incremental_var_99", "incremental_es_99")}
    return {
        "correlation": {
            "source": metrics.get("correlation_source"),
            "max": metrics.get("max_correlation"),
            "tail": metrics.get("tail_correlation"),
            "strategies": [asdict(line) for line in view.correlations],
        },
        "marginal_var_es": {name: metrics.get(name) for name in names} | incremental,
    }


def _stage_gate(view: ReportView) -> dict[str, Any]:
    """Return the gate at which the run stands: the first that is closed, else the last; all stand under `gates`."""
    closed = [gate for gate in view.gates if gate.status not in ("pass", "watch")]
    at = closed[0] if closed else view.gates[-1] if view.gates else None
    every = [gate.to_dict() for gate in view.gates]
    here = {"stage": at.stage, "status": at.status, "reasons": list(at.reasons)} if at else _NO_GATE
    return here | {"gates": every}


_NO_GATE: dict[str, Any] = {
    "stage": None, "status": "insufficient_observation", "reasons": ["the world's policy has no stage gates"],
}  # fmt: skip


def _release(view: ReportView) -> dict[str, Any]:
    release = view.release
    return {
        "counts": release.counts,
        "reasons": list(release.reasons),
        "cohort": {"counted": release.counted, "excluded": dict(release.excluded)},
    }
