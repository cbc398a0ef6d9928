"""The sensor asks for the days that wait, as few runs as they need, and for nothing twice."""

from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from distill_platform.core.errors import ConfigError
from distill_platform.defs.schedules import evaluation_daily
from distill_platform.defs.sensors import arrived_bundles
from distill_platform_tests.defs.runs import EvaluationProject, asked_for
from distill_platform_tests.evaluation.lab import DAY, NEXT_DAY, THIRD_DAY


class Watcher:
    """The sensor with its cursor, asked by hand; what it asks for is run when told so."""

    def __init__(self, project: EvaluationProject) -> None:
        self.project = project
        self.cursor: str | None = None
        self.said: str | None = None

    def tick(self) -> list[list[str]]:
        """The days of each run that one evaluation asks for, first and last."""
        with dg.build_sensor_context(
            instance=self.project.instance, cursor=self.cursor, resources={"evaluation": self.project.evaluation}
        ) as context:
            result = arrived_bundles(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        self.said = result.skip_reason.skip_message if result.skip_reason else None
        return [asked(request) for request in result.run_requests or []]

    def run(self) -> list[list[str]]:
        """Run what one evaluation asks for."""
        requests = self.tick()
        for days in requests:
            assert self.project.run(days).success
        return requests


def asked(request: dg.RunRequest) -> list[str]:
    if request.partition_key:
        return [request.partition_key]
    return [request.tags[ASSET_PARTITION_RANGE_START_TAG], request.tags[ASSET_PARTITION_RANGE_END_TAG]]


@pytest.fixture
def watcher(judging: EvaluationProject) -> Watcher:
    return Watcher(judging)


def test_an_empty_inbox_asks_for_nothing(watcher: Watcher) -> None:
    assert watcher.tick() == []
    assert watcher.said == "nothing waits"


def test_many_bundles_at_once_are_one_run(watcher: Watcher) -> None:
    for seed in range(12):
        watcher.project.lab.hand_in(seed, (DAY, NEXT_DAY)[seed % 2], days=60)
    assert watcher.tick() == [[DAY, NEXT_DAY]]
    assert watcher.tick() == []
    assert watcher.said == "what waits was asked for already"


def test_days_that_do_not_follow_one_another_are_runs_of_their_own(watcher: Watcher) -> None:
    watcher.project.lab.hand_in(1, DAY)
    watcher.project.lab.hand_in(2, THIRD_DAY)
    assert watcher.tick() == [[DAY], [THIRD_DAY]]


def test_what_was_judged_is_not_asked_for_again(watcher: Watcher) -> None:
    watcher.project.lab.hand_in(1)
    assert watcher.run() == [[DAY]]
    assert watcher.tick() == []
    assert watcher.said == "nothing waits"


def test_a_cohort_that_grows_asks_for_the_older_day_again(watcher: Watcher) -> None:
    watcher.project.lab.hand_in(1)
    watcher.run()
    watcher.project.lab.hand_in(2, NEXT_DAY)
    assert watcher.run() == [[DAY, NEXT_DAY]]
    assert watcher.tick() == []
    assert watcher.said == "nothing waits"


@pytest.mark.slow
def test_a_cohort_over_days_apart_is_settled_after_few_runs(watcher: Watcher) -> None:
    watcher.project.lab.hand_in(1, DAY)
    watcher.project.lab.hand_in(2, THIRD_DAY, sharpe=0.0)
    rounds = [watcher.run() for _ in range(4)]
    assert rounds[0] == [[DAY], [THIRD_DAY]]
    assert rounds[3] == []
    assert watcher.project.lab.waiting() == []


def test_a_refused_bundle_is_shown_once_and_does_not_make_it_loop(watcher: Watcher) -> None:
    folder = watcher.project.lab.inbox / watcher.project.lab.hand_in(1)
    (folder / "steps.parquet").write_bytes(b"spoiled")
    (requested,) = watcher.run()
    (refused,) = watcher.project.lab.rows("run_bundles", "refused", requested[0])
    assert refused["reason"] == "hash_mismatch"
    assert watcher.tick() == []
    assert watcher.said == "nothing waits"


def test_a_bundle_that_is_not_complete_asks_for_nothing(watcher: Watcher) -> None:
    (watcher.project.lab.inbox / watcher.project.lab.hand_in(1) / "COMPLETE").unlink()
    assert watcher.tick() == []


def test_a_day_that_cannot_be_judged_is_asked_for_once(watcher: Watcher) -> None:
    watcher.project.lab.hand_in(1)
    assert watcher.tick() == [[DAY]]
    (bundle,) = (watcher.project.lab.lake / "bundles").glob("[0-9a-f]*/steps.parquet")
    bundle.unlink()
    assert not watcher.project.run([DAY]).success
    assert watcher.tick() == []
    assert watcher.said == "what waits was asked for already"


def test_a_changed_policy_asks_for_every_day_again(watcher: Watcher) -> None:
    watcher.project.lab.hand_in(1)
    watcher.run()
    watcher.project.lab.world(lambda world: world.update(version=2))
    assert watcher.tick() == [[DAY]]


def test_while_a_run_is_under_way_nothing_is_asked_for(watcher: Watcher) -> None:
    watcher.project.lab.hand_in(1)
    job = watcher.project.defs.resolve_job_def("evaluation_job")
    watcher.project.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert watcher.tick() == []
    assert watcher.said == "a run is under way"


def test_a_wrong_configuration_fails_the_tick(watcher: Watcher) -> None:
    (watcher.project.folder / "config/platform.yaml").write_text("paths: {inbx: here}\n")
    with pytest.raises(ConfigError):
        watcher.tick()


def test_the_schedule_judges_the_day_that_has_just_ended(judging: EvaluationProject) -> None:
    at = datetime(2026, 4, 21, 0, 30, tzinfo=UTC)
    assert asked_for(evaluation_daily, judging.defs, {"evaluation": judging.evaluation}, at) == [DAY]
