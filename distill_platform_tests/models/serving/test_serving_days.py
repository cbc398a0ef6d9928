"""Serving: a model enters in shadow, predicts, rises by approvals and falls by itself, however its days are made."""

import shutil
from pathlib import Path

import pytest

from distill_platform.core.errors import MissingDataset
from distill_platform.governance.reviews import reviews
from distill_platform.models.artifacts.loading import load_model
from distill_platform.models.predictions.predicting import moments_before, predict_at, ready
from distill_platform.models.registry import ModelState
from distill_platform.models.registry_history import view_at
from distill_platform.models.stages.reading import read_events, read_grid
from distill_platform.models.weeks import day_ns, days_before
from distill_platform_tests.models.serving.lab import ADA, CALM, HOUR, LINE, SYMBOLS, Lab, day, ends, publish_day


def test_a_candidate_enters_predicts_is_proposed_and_serves_once_somebody_approved(lab: Lab) -> None:
    assert lab.enter("nimble") == "shadow"
    lab.serve(0, 1)
    assert [lab.kinds(0), lab.kinds(1)] == [["wait"], ["propose"]]
    assert {(row["stage"], row["serves"], row["model_name"]) for row in lab.predictions(1)} == {
        ("shadow", False, "nimble")
    }
    lab.approve(ADA)
    lab.serve(2, 3)
    assert lab.kinds(2) == ["step_up"]
    assert lab.story() == ["shadow", "canary"]
    assert {row["serves"] for row in lab.predictions(2)} == {False}
    serves = [row["serves"] for row in lab.predictions(3)]
    assert {row["stage"] for row in lab.predictions(3)} == {"canary"}
    assert 0.2 < sum(serves) / len(serves) < 0.8
    standing = {row["name"]: (row["state"], row["share"], row["since"]) for row in lab.rows("standings", 2)}
    assert standing == {"nimble": ("canary", 0.5, ends(2))}


def test_nobody_rises_without_an_approval(lab: Lab) -> None:
    lab.enter("nimble")
    lab.serve(*range(CALM))
    assert [lab.kinds(number) for number in range(CALM)] == [["wait"], ["propose"], *[["wait"]] * (CALM - 2)]
    assert lab.story() == ["shadow"]


def test_drift_takes_a_model_back_once_and_its_history_stays(lab: Lab) -> None:
    lab.enter("nimble")
    lab.serve(*range(CALM + 2))
    assert lab.story() == ["shadow", "rolled_back"]
    taken = next(number for number in range(CALM + 2) if "roll_back" in lab.kinds(number))
    assert taken >= CALM
    row = lab.rows("actions", taken)[0]
    assert ("drifted" in row["sentence"], row["too_late"]) == (True, "")
    manifest = lab.lake.manifest("model_rollout", day(taken))
    assert manifest is not None
    assert {check.name: check.passed for check in manifest.checks if not check.blocking} == {"no_rollback": False}
    lab.serve(*range(CALM + 2))
    assert lab.story() == ["shadow", "rolled_back"]
    assert len(lab.rows("observations", taken)) == taken + 1
    if taken + 1 < CALM + 2:
        assert lab.predictions(taken + 1) == []


def fail_bars(lab: Lab, *numbers: int) -> None:
    """Let the bars of some days break a gate: the bars are the same, and features were made of them before."""
    for number in numbers:
        lab.lake.mark_failed("market_bars", day(number), "the feed told nonsense")


def test_days_in_a_row_that_do_not_pass_take_a_canary_back_by_itself(lab: Lab) -> None:
    lab.enter("nimble")
    lab.serve(0, 1)
    lab.approve(ADA)
    lab.serve(2)
    fail_bars(lab, 3, 5, 6)
    lab.serve(3, 4, 5)
    assert lab.story() == ["shadow", "canary"]
    lab.serve(6, 7)
    assert lab.story() == ["shadow", "canary", "rolled_back"]
    last = lab.view().history[-1].event
    assert (last.decided_at, last.evidence["alarm"]) == (ends(6), "gate_failures")
    assert "market_bars: GateRefused" in lab.rows("actions", 6)[0]["sentence"]
    assert lab.predictions(7) == []
    assert lab.rows("standings", 7)[0]["state"] == "rolled_back"


def fallen(lab: Lab) -> Lab:
    """A lab in which a canary was approved after two days, and falls because of the fifth and the sixth."""
    lab.enter("nimble")
    lab.serve(0, 1)
    lab.approve(ADA)
    fail_bars(lab, 4, 5)
    return lab


def test_days_made_twice_or_late_are_the_same(lab: Lab) -> None:
    fallen(lab).serve(2, 3, 4, 5, 6)
    predicted, revisions = lab.versions("predictions"), lab.revisions()
    assert lab.story() == ["shadow", "canary", "rolled_back"]
    done = {number: lab.rows("actions", number) for number in (2, 5)}
    lab.serve(5, 6)
    lab.serve(2, 3)
    lab.serve(0, 1, 4, only=["predictions"])
    assert (lab.versions("predictions"), lab.revisions()) == (predicted, revisions)
    assert lab.rows("actions", 5) == done[5]
    assert [row["kind"] for row in lab.rows("actions", 2)] == ["step_up"]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["between", "recorded"])
def test_a_crash_leaves_nothing_that_running_again_does_not_mend(
    lab: Lab, built: Lab, tmp_path: Path, place: str
) -> None:
    fallen(lab).serve(2, 3, 4, 5, 6)
    other = fallen(Lab(Path(shutil.copytree(built.folder, tmp_path / "other"))))
    for number in (2, 3, 4, 5, 6):
        if place == "between":
            other.serve(number, only=["predictions"])
        else:
            with pytest.raises(Killed):
                other.serve(number, on_step=kill)
        other.serve(number)
    assert other.story() == ["shadow", "canary", "rolled_back"]
    assert other.revisions() == lab.revisions()
    assert other.versions("predictions", "model_rollout") == lab.versions("predictions", "model_rollout")


class Killed(BaseException):
    """The process is gone."""


def kill(step: str) -> None:
    """Kill the process when the rollout has recorded its actions and has published nothing of them."""
    if step == "staged standings":
        raise Killed(step)


def test_an_artifact_that_was_tampered_with_is_refused_and_its_model_taken_back(lab: Lab) -> None:
    lab.enter("nimble")
    lab.serve(0)
    member = lab.reference("nimble_member")
    (file,) = (lab.folder / "data/lake/models").rglob(f"*{member.artifact_sha256[:12]}*/ridge.json")
    file.write_bytes(file.read_bytes().replace(b"0.", b"1.", 1))
    lab.serve(1, 2)
    assert lab.predictions(1) == []
    refused = lab.rows("refused", 1, "predictions")
    assert [row["artifact_sha256"] for row in refused] == [lab.reference("nimble").artifact_sha256]
    assert "ArtifactAltered" in refused[0]["reason"]
    assert [row["coverage"] for row in lab.rows("observations", 2)] == [1.0, 0.0, 0.0]
    assert lab.story() == ["shadow", "rolled_back"]


def test_a_day_that_was_never_predicted_is_no_day_that_passes_and_none_that_fails(lab: Lab) -> None:
    lab.enter("nimble")
    lab.serve(0, 3)
    assert [row["at"] for row in lab.rows("observations", 3)] == [ends(0), ends(3)]
    assert [day(number) in row["reason"] for number, row in zip((1, 2), lab.rows("refused", 3), strict=True)]
    assert lab.kinds(3) == ["propose"]


def test_days_that_were_predicted_before_the_model_stood_there_wait_to_be_made_again(lab: Lab) -> None:
    lab.serve(0, 1)
    assert (lab.predictions(0), lab.kinds(1)) == ([], [])
    lab.enter("nimble")
    lab.serve(2)
    assert [row["at"] for row in lab.rows("observations", 2)] == [ends(2)]
    assert "made before the model stood there" in lab.rows("refused", 2)[0]["reason"]
    lab.serve(0, 1, 2)
    assert [row["at"] for row in lab.rows("observations", 2)] == [ends(0), ends(1), ends(2)]


def test_features_that_do_not_pass_are_a_failed_gate(lab: Lab) -> None:
    lab.enter("nimble")
    lab.serve(0, 1)
    lab.lake.mark_failed("features", day(1), "the disk was full")
    lab.serve(1)
    last = lab.rows("observations", 1)[-1]
    assert (last["coverage"], last["drift"], last["failed_gates"]) == (0.0, None, ["features: GateRefused"])
    assert lab.kinds(1) == ["wait"]


def test_bars_that_changed_since_speak_neither_for_a_model_nor_against_it(lab: Lab) -> None:
    lab.enter("nimble")
    lab.serve(0, 1, 2)
    bars = lab.lake.open("market_bars", day(1)).read("bars")
    assert bars is not None
    publish_day(lab.lake, "market_bars", day(1), {"bars": bars.slice(2)})
    lab.serve(2, only=["model_rollout"])
    assert [row["at"] for row in lab.rows("observations", 2)] == [ends(0)]
    assert all("older market_bars" in row["reason"] for row in lab.rows("refused", 2))
    assert lab.kinds(2) == ["wait"]


def test_what_others_are_seen_to_do_counts_for_nobody_else(lab: Lab) -> None:
    lab.enter("nimble")
    lab.enter("steady")
    lab.serve(0, 1)
    own = lab.reference("nimble").artifact_sha256
    assert {row["artifact_sha256"] for row in lab.rows("observations", 1)} == {own}
    assert {row["artifact_sha256"] for row in lab.predictions(1)} == {own}
    with lab.models() as models:
        (review,) = reviews(models.ledger)
    assert review.recommendation.subject["artifact_sha256"] == own


def test_a_prediction_made_at_the_moment_itself_is_that_of_the_day(lab: Lab) -> None:
    lab.enter("nimble")
    lab.serve(0)
    ts = day_ns(day(0)) + 17 * HOUR
    with lab.models() as models:
        line = models.lines[0]
        one = ready(load_model(models.artifacts, lab.reference("nimble")), ModelState.SHADOW)
        days = days_before(day(0), 2)
        grid, _ = read_grid(models, line, days)
        events, _ = read_events(models, line, days)
        view = view_at(models.ledger, LINE, ends(-1))
        online = predict_at([one], view, grid, events, ts, line.features).to_pylist()
        assert moments_before([one], line.features) < 48
    stamps = ("data_version", "lineage_id")
    offline = [row for row in lab.predictions(0) if row["ts"].hour == 17]
    assert len(offline) == len(SYMBOLS)
    assert [{k: v for k, v in row.items() if k not in stamps} for row in online] == [
        {k: v for k, v in row.items() if k not in stamps} for row in offline
    ]


def test_no_feature_no_prediction_and_every_other_line_goes_on(lab: Lab) -> None:
    lab.enter("nimble")
    with pytest.raises(MissingDataset):
        lab.lake.open("features", day(40))
    lab.serve(40, only=["predictions"])
    (row,) = lab.rows("refused", 40, "predictions")
    assert (row["line"], row["artifact_sha256"], "MissingDataset" in row["reason"]) == (LINE, None, True)
