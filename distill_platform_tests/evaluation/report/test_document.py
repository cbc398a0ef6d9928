"""The document that a machine reads."""

import math
from typing import Any

from distill_platform.core import canon
from distill_platform.evaluation.report.document import report_document
from distill_platform_tests.evaluation.report import views


def numbers(value: Any) -> list[float]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] if isinstance(value, float) else [number for item in items for number in numbers(item)]


def test_the_report_has_the_keys_of_the_contract() -> None:
    report = report_document(views.view())
    meta = {"world_id", "strategy_id", "run_id", "stage", "commit_sha", "data_preset", "dataset_fingerprint", "as_of"}
    assert set(report["meta"]) >= meta
    assert set(report["integrity"]) == {"status", "invariants", "notes"}
    assert set(report["metrics"]) >= {"returns", "sample", "risk", "robustness", "diagnostics"}
    assert set(report["stress"]["scenarios"]) == {"slippage_bps_2", "fees_x2", "spread_x3"}
    assert set(report["portfolio_fit"]) == {"correlation", "marginal_var_es"}
    assert set(report["triage"]) == {"tags", "reason"}
    assert {"stage", "status", "reasons"} <= set(report["stage_gate"])


def test_metrics_lie_in_their_groups() -> None:
    metrics = report_document(views.view())["metrics"]
    assert metrics["returns"]["sharpe_daily"] == 1.05
    assert metrics["sample"]["n_trades_total"] == 812


def test_a_dotted_metric_lies_in_a_group_of_its_group() -> None:
    metrics = {**views.METRICS, "diagnostics.validation_health.metric_coverage_ratio": 0.9}
    diagnostics = report_document(views.view(metrics=metrics))["metrics"]["diagnostics"]
    assert diagnostics["validation_health"] == {"metric_coverage_ratio": 0.9}


def test_the_gate_is_the_first_that_is_closed() -> None:
    gate = report_document(views.view())["stage_gate"]
    assert (gate["stage"], gate["status"]) == ("stage2_wf", "fail")
    assert [line["status"] for line in gate["gates"]][:3] == ["pass", "pass", "fail"]
    assert report_document(views.bare())["stage_gate"]["status"] == "insufficient_observation"


def test_it_is_canonical_json_without_any_number_that_is_none() -> None:
    for view in (views.view(), views.bare(), views.bare(3, math.inf), views.passing()):
        document = report_document(view)
        canon.refuse_non_finite(document)
        assert canon.parse(canon.dumps(document)) == document


def test_what_is_not_known_is_null_and_not_left_out() -> None:
    report = report_document(views.bare())
    assert report["metrics"]["returns"]["sharpe_daily"] is None
    assert report["trials"]["dsr"] is None
    assert report["integrity"]["status"] == "fail"


def test_the_order_of_metrics_changes_no_byte() -> None:
    backwards = dict(reversed(list(views.METRICS.items())))
    assert canon.dumps(report_document(views.view(metrics=backwards))) == canon.dumps(report_document(views.view()))


def test_infinities_are_null_too() -> None:
    report = report_document(views.view(metrics={**views.METRICS, "returns.sharpe_daily": math.inf}))
    assert report["metrics"]["returns"]["sharpe_daily"] is None
    assert all(map(math.isfinite, numbers(report)))
