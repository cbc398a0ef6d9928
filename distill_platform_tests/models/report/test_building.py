"""Building: a week's models, runs and ledger become a report, and nothing is told that was not found."""

import math
from dataclasses import replace

import numpy as np
import pytest

from distill_platform.models.blending import Blend, BlendedFold
from distill_platform.models.chain.entrants import Role
from distill_platform.models.chain.material import Findings, Material
from distill_platform.models.features.causality import Experiment, Leak
from distill_platform.models.features.suspicion import Suspicion
from distill_platform.models.forward_window import open_window
from distill_platform.models.information import InformationValue
from distill_platform.models.line import ModelLine
from distill_platform.models.policy import Policy
from distill_platform.models.promotion.deciding import PromotionDecision, PromotionStatus
from distill_platform.models.promotion.reasons import Reason, ReasonCode
from distill_platform.models.report import building, out_of_sample
from distill_platform.models.report.building import Reported, Traded, model_report
from distill_platform.models.report.markdown import markdown
from distill_platform.models.report.page import html
from distill_platform.models.report.view import Decision, InformationUnit, ModelReportView, ReasonView, VerdictView
from distill_platform.models.ridge import RidgeSettings, fit_ridge
from distill_platform.models.rollout.drift import DriftBounds, DriftReading
from distill_platform.models.significance import NullDistribution
from distill_platform.models.teacher import TabularFit, TabularKind, TeacherSettings, fit_teacher
from distill_platform.models.validation.windows import windows_of
from distill_platform.store.ledger import Ledger
from distill_platform_tests.models.made_frames import HOUR, MONDAY, made_frame
from distill_platform_tests.models.made_models import draft
from distill_platform_tests.models.test_model_runs import made, market
from distill_platform_tests.pages.outline import Outline

WEEK = 168 * HOUR
NAMES = ("x0", "x1", "x2", "x3")


def line() -> ModelLine:
    return ModelLine.model_validate(
        {
            "name": "btc_hourly", "world_id": "w", "market": "m", "symbols": ["A", "B"], "label": {"horizon_bars": 6},
            "windows": {"search_weeks": 5, "validation_weeks": 2, "forward_weeks": 2},
            "validation": {"folds": 3, "embargo_bars": 6},
            "search": {"space": {"parameters": {"leaves": {"type": "int", "low": 4, "high": 31}}}},
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def material() -> Material:
    frame = made_frame(bars=9 * 168 + 6, edge=0.3, seed=3)
    return Material(line(), windows_of(MONDAY + 9 * WEEK, line().windows), frame, market())


@pytest.fixture(scope="module")
def reported(material: Material) -> Reported:
    fit = TabularFit(TeacherSettings(kind=TabularKind.RIDGE), NAMES)
    teacher = fit_teacher(material.search, material.folds, fit)
    artifact = draft(feature_names=list(NAMES), n_channels=4).with_files(dict(teacher.model.files()))
    run = made()
    return Reported(
        artifact=artifact,
        model=teacher.model,  # type: ignore[arg-type]
        manifest=run.manifest,
        traded=Traded.of("ridge", Role.CANDIDATE, run),
        rivals=(Traded.of("trees", Role.ARM, made(skill=0.0)),),
        verdict=VerdictView(Decision.REFUSED, (ReasonView("not_significant", "luck does as well", 0.4, 0.05),)),
        trials=building.trials_of(12, None),
        folds=building.folds_of(teacher.report),
        null=NullDistribution(0.1, np.array([0.02, -0.01, 0.12]), 24, 0),
        findings=Findings((), ()),
    )


@pytest.fixture(scope="module")
def report(reported: Reported, material: Material) -> ModelReportView:
    return model_report(reported, material)


def test_a_week_of_real_objects_makes_a_page(report: ModelReportView) -> None:
    said = " ".join(Outline(html(report)).words)
    for text in ("Refused for 1 reason", "Luck does as well.", "x0 counts most", "1 of 3 runs on moved labels"):
        assert text in said
    assert "Refused for 1 reason" in markdown(report)


def test_the_model_is_named_by_what_was_sealed(report: ModelReportView, reported: Reported) -> None:
    assert report.identity.artifact_sha256 == reported.artifact.reference.artifact_sha256
    assert report.identity.week == "2026-04-13"
    assert report.identity.seeds == (("model", 3),)
    assert report.contract.versions.schema_hash == "a" * 64


def test_folds_tell_that_nothing_overlaps(report: ModelReportView) -> None:
    assert len(report.folds) == 3
    assert all(fold.overlaps == 0 and fold.purged_rows > 0 for fold in report.folds)
    assert report.mean_rank_ic > 0.0


def test_calibration_is_seen_on_rows_that_nothing_was_fitted_on(report: ModelReportView, material: Material) -> None:
    judged = out_of_sample.judged_frame(material)
    rows = out_of_sample.judged_rows(judged, material)
    assert judged.features.ts[rows].min() >= material.windows.validation.start_ns
    assert judged.label_end[rows].max() < material.windows.forward.end_ns
    reaches_over = (judged.features.ts < material.windows.forward.start_ns) & (
        judged.label_end >= material.windows.forward.start_ns
    )
    assert not rows[reaches_over].any()
    assert report.calibration is not None
    assert sum(report.calibration.rows) == rows.sum()


def test_labels_rise_with_the_scores_of_a_model_that_found_the_edge(report: ModelReportView) -> None:
    assert report.calibration is not None
    gap = report.calibration.labels[-1] - report.calibration.labels[0]
    assert gap > 2 * math.hypot(report.calibration.errors[-1], report.calibration.errors[0])


def test_the_feature_with_the_edge_counts_most_and_upwards(report: ModelReportView) -> None:
    assert report.importance is not None
    name, strength = report.importance.features[0]
    assert name == "x0"
    assert strength > 0.0
    assert report.importance.total == 4


def test_a_feature_that_works_the_other_way_has_a_negative_sign() -> None:
    frame = made_frame(edge=-0.4, seed=1)
    model = fit_ridge(frame, NAMES, RidgeSettings())
    found = out_of_sample.importance_of(model, frame.features)
    assert found is not None
    assert found.features[0][0] == "x0"
    assert found.features[0][1] < 0.0


def test_a_model_that_can_score_no_row_has_no_importance() -> None:
    frame = made_frame(edge=0.4)
    model = fit_ridge(frame, NAMES, RidgeSettings())
    blind = replace(frame.features, is_usable=np.zeros(len(frame), dtype=bool))
    assert out_of_sample.importance_of(model, blind) is None


def test_a_training_report_without_epochs_has_no_learning_curve() -> None:
    assert building.learning_of({"folds": []}) is None
    curve = [{"train": 1.0, "validation": 0.9}, {"train": 0.8, "validation": None}]
    found = building.learning_of({"curve": curve, "best_epoch": 1})
    assert found is not None
    assert found.train == (1.0, 0.8)
    assert math.isnan(found.validation[1])
    assert found.best_epoch == 1


def test_a_blend_reports_the_folds_of_its_members_with_the_others_choice(reported: Reported) -> None:
    rows = [
        {"fold": number, "train_rows": 10, "test_rows": 5, "purged_rows": 1, "embargoed_rows": 1, "overlaps": 0,
         "rank_ic": 0.9, "mse": 1.0, "null_mse": 1.1}
        for number in range(2)
    ]  # fmt: skip
    folds = (BlendedFold(0, "tabular_only", 0.1, 0.1, 0.0), BlendedFold(1, "blend_alpha_0.50", 0.2, 0.1, 0.1))
    blend = Blend(Policy(50), 1.0, 1.0, 1.0, folds, np.zeros(0))
    found = building.folds_of_blend(blend, {"folds": rows})
    assert [(fold.rank_ic, fold.policy, fold.train_rows) for fold in found] == [
        (0.1, "tabular_only", 10), (0.2, "blend_alpha_0.50", 10),
    ]  # fmt: skip
    assert math.isnan(found[0].mse)


def test_every_look_at_the_forward_window_is_told(ledger: Ledger) -> None:
    end = MONDAY + 8 * WEEK
    for lineage, count in (("btc_hourly", 2), ("renamed", 3)):
        opening = open_window(
            ledger, "crypto", start_ns=MONDAY, end_ns=end, lineage=lineage,
            candidates=[digit * 64 for digit in "abcdef"[:count]], reason="weekly", actor="ada",
        )  # fmt: skip
    found = building.trials_of(40, opening)
    assert (found.declared, found.seen) == (40, 3)
    assert [(look.lineage, look.candidates, look.opened_by) for look in found.openings] == [
        ("btc_hourly", 2, "ada"), ("renamed", 3, "ada"),
    ]  # fmt: skip


def test_findings_are_told_in_sentences_leaks_first() -> None:
    leak = Leak("centred_mean", MONDAY, MONDAY + HOUR, Experiment.TRUNCATION)
    seen = Suspicion("event_polarity", -0.42, 12_000, is_of_missingness=True)
    first, second = building.findings_of(Findings((leak,), (seen,)))
    assert first.feature == "centred_mean"
    assert "1970-01-05T00:00:00Z changes with what came after 1970-01-05T01:00:00Z" in first.sentence
    assert "Whether it is missing has a rank correlation of −0.42 over 12,000 rows" in second.sentence


def test_what_events_were_worth_keeps_its_interval() -> None:
    (found,) = building.information_of({"rank_ic_per_day": InformationValue(0.1, -0.2, 0.3, 0.4, 90)})
    assert (found.estimate, found.low, found.high, found.p, found.days) == (0.1, -0.2, 0.3, 0.4, 90)
    assert found.unit is InformationUnit.RANK_CORRELATION


def test_a_decision_is_told_with_all_its_reasons() -> None:
    reasons = (Reason(ReasonCode.LOSES_MONEY, "it lost", -0.1, 0.0), Reason(ReasonCode.VERDICT_MISSING, "no verdict"))
    refused = PromotionDecision(PromotionStatus.REFUSED, "a" * 64, reasons, (), {})
    found = building.verdict_of(refused)
    assert found.decision is Decision.REFUSED
    assert [(reason.code, reason.observed) for reason in found.reasons] == [
        ("loses_money", -0.1), ("verdict_missing", None),
    ]  # fmt: skip
    agreed = PromotionDecision(PromotionStatus.RECOMMENDED, "a" * 64, (), (), {})
    assert building.verdict_of(agreed).decision is Decision.RECOMMENDED
    assert building.verdict_of(None).decision is Decision.NOT_UP


def test_the_feature_that_drifted_furthest_is_the_one_that_a_rollback_names() -> None:
    known = DriftBounds(("x0", "x1"), np.zeros((2, 3)), np.array([0.1, 0.2]), 1.5, 40)
    reading = DriftReading({"x0": 0.3, "x1": 0.2}, "x0", 2.0)
    shares = {one.feature: one.share for one in building.drift_of(known, reading)}
    assert shares[reading.feature] == pytest.approx(reading.ratio)
    assert shares["x1"] < 1.0
