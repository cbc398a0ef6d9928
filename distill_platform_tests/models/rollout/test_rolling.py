"""A rollout: up by approvals, down by itself, once, whatever comes late, twice or of another model."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings as examples, strategies as st
from pydantic import ValidationError

from distill_platform.core.errors import LedgerUnavailable, RolloutError, SaltChanged
from distill_platform.governance.reviews import approve, reject, reviews
from distill_platform.models.promotion.deciding import PromotionDecision, PromotionStatus
from distill_platform.models.registry import record_event, registry_view
from distill_platform.models.rollout.deciding import Action, ActionKind, next_action, shadow_event
from distill_platform.models.rollout.observation import Observation
from distill_platform.models.rollout.rolling import apply
from distill_platform.models.rollout.settings import RolloutSettings
from distill_platform.store.ledger import Entry, Ledger, open_ledger
from distill_platform.testing.ledger_contract import TickingClock
from distill_platform_tests.models.made_models import LINE, event
from distill_platform_tests.models.rollout.made_rollouts import (
    APPROVERS,
    NEW,
    OLD,
    OTHER,
    SETTINGS,
    bad,
    day,
    good,
    rolled,
    states,
    with_line,
)


def approve_all(ledger: Ledger, *who: str) -> None:
    for state in reviews(ledger):
        for name in who:
            approve(ledger, state.id, name, "the days convince me")


def challenger_s(done: tuple[object, ...]) -> Action:
    return done[-1].action  # type: ignore[attr-defined,no-any-return]


def test_a_challenger_climbs_step_by_step_and_each_waits_for_a_person(ledger: Ledger) -> None:
    with_line(ledger)
    days = [good(artifact, number) for number in range(1, 20) for artifact in (OLD, NEW)]
    story = []
    for number in range(1, 20):
        action = challenger_s(rolled(ledger, days, number))
        if action.kind is ActionKind.PROPOSE:
            approve_all(ledger, *(APPROVERS.names if action.recommendation.keys_needed == 2 else APPROVERS.names[:1]))  # type: ignore[union-attr]
            story.append(action.recommendation.action)  # type: ignore[union-attr]
        if action.kind is ActionKind.STEP_UP:
            story.append(states(ledger)["blend"])
    assert story == ["canary_0.1", "canary", "stage_0.25", "staged", "stage_0.5", "staged", "full", "champion"]
    assert states(ledger) == {"tabular": "superseded", "blend": "champion"}
    history = registry_view(ledger, LINE).history_of(NEW.artifact_sha256)
    assert history[-1].event.evidence["approved_by"] == list(APPROVERS.names)


def test_whoever_approves_sees_what_it_was_recommended_by_and_where_its_line_asked_less(ledger: Ledger) -> None:
    record_event(ledger, event("registered", NEW, 0))
    lenient = ("promotion.max_p_value is 0.9, not 0.05",)
    found = PromotionDecision(PromotionStatus.RECOMMENDED, NEW.artifact_sha256, (), (), {}, lenient)
    record_event(ledger, shadow_event(found, NEW, day(0) + timedelta(hours=1)))
    for number in range(1, 9):
        rolled(ledger, [good(NEW, each) for each in range(1, 9)], number)
    (review,) = reviews(ledger)
    shown = review.recommendation.evidence
    assert shown["decision"] == found.sha256
    assert shown["asks_less"] == [*lenient, "rollout.min_days is 2, not 5"]  # the settings of these tests


def test_a_bound_that_is_lowered_on_the_way_is_shown_and_asks_for_approval_anew(ledger: Ledger) -> None:
    with_line(ledger)
    days = [good(NEW, number) for number in range(1, 20)]
    for number in range(1, 4):
        rolled(ledger, days, number)
    approve_all(ledger, *APPROVERS.names)
    action = challenger_s(rolled(ledger, days, 4, max_loss=0.9))
    assert action.kind is ActionKind.PROPOSE
    assert "rollout.max_loss is 0.9, not 0.05" in action.recommendation.evidence["asks_less"]  # type: ignore[union-attr,operator]
    assert states(ledger)["blend"] == "shadow"


def test_nothing_climbs_without_an_approval(ledger: Ledger) -> None:
    with_line(ledger)
    days = [good(NEW, number) for number in range(1, 20)]
    kinds = [challenger_s(rolled(ledger, days, number)).kind for number in range(1, 20)]
    assert kinds == ["wait", "propose", *["wait"] * 17]
    assert (states(ledger)["blend"], len(reviews(ledger))) == ("shadow", 1)


def test_the_last_step_takes_two_people(ledger: Ledger) -> None:
    with_line(ledger, 4)
    days = [good(NEW, number) for number in range(1, 20)]
    rolled(ledger, days, 3)
    approve_all(ledger, "Ada Lovelace")
    assert challenger_s(rolled(ledger, days, 4)).kind is ActionKind.WAIT
    approve_all(ledger, "grace@example.org")
    assert challenger_s(rolled(ledger, days, 5)).kind is ActionKind.STEP_UP
    assert states(ledger)["blend"] == "champion"


def test_an_approval_is_of_one_artifact_one_step_and_these_days(ledger: Ledger) -> None:
    with_line(ledger)
    rolled(ledger, [good(NEW, number) for number in (1, 2)], 2)
    approve_all(ledger, "Ada Lovelace")
    other_days = [good(NEW, number) for number in (3, 4)]
    assert challenger_s(rolled(ledger, other_days, 4)).kind is ActionKind.PROPOSE
    assert states(ledger)["blend"] == "shadow"
    review = reviews(ledger)[0]
    assert review.recommendation.subject["artifact_sha256"] == NEW.artifact_sha256
    assert (review.recommendation.action, len(review.approvals), len(review.expired)) == ("canary_0.1", 0, 1)


def test_a_rejected_step_is_not_asked_for_again(ledger: Ledger) -> None:
    with_line(ledger)
    rolled(ledger, [good(NEW, number) for number in (1, 2)], 2)
    reject(ledger, reviews(ledger)[0].id, "Ada Lovelace", "no")
    for days in ((1, 2, 3), (3, 4)):
        assert "rejected" in challenger_s(rolled(ledger, [good(NEW, number) for number in days], 4)).sentence


def test_an_approved_step_waits_while_days_do_not_pass(ledger: Ledger) -> None:
    with_line(ledger)
    days = [good(NEW, 1), good(NEW, 2), bad(NEW, 3)]
    rolled(ledger, days, 2)
    approve_all(ledger, "Ada Lovelace")
    assert challenger_s(rolled(ledger, days, 3)).kind is ActionKind.WAIT
    assert challenger_s(rolled(ledger, [*days, good(NEW, 4)], 4)).kind is ActionKind.STEP_UP


def test_another_salt_stops_the_climb_and_not_the_way_back(ledger: Ledger) -> None:
    with_line(ledger, 3)
    days = [good(NEW, number) for number in (1, 2)]
    with pytest.raises(SaltChanged):
        rolled(ledger, days, 2, salt="other")
    rolled(ledger, [*days, good(NEW, 3, drift=2.0)], 3, salt="other")
    assert states(ledger)["blend"] == "rolled_back"


ALARMS: dict[str, Callable[[int], Observation]] = {
    "drift": lambda number: good(NEW, number, drift=1.01),
    "rejects": lambda number: good(NEW, number, reject_ratio=1.01),
    "slippage": lambda number: good(NEW, number, slippage_ratio=math.inf),
}


@pytest.mark.parametrize("code", ALARMS)
def test_an_alarm_takes_a_challenger_back_and_says_why(ledger: Ledger, code: str) -> None:
    with_line(ledger, 3)
    rolled(ledger, [good(NEW, 1), ALARMS[code](2)], 2)
    last = registry_view(ledger, LINE).history[-1].event
    assert (states(ledger)["blend"], states(ledger)["tabular"]) == ("rolled_back", "champion")
    assert (last.kind, last.evidence["alarm"], last.evidence["at"]) == ("rolled_back", code, "2026-04-22T00:00:00Z")
    assert "2026-04-22" in last.reason


def test_the_predecessor_serves_again_when_a_champion_is_taken_back(ledger: Ledger) -> None:
    with_line(ledger, 5)
    assert states(ledger) == {"tabular": "superseded", "blend": "champion"}
    rolled(ledger, [bad(NEW, number) for number in (1, 2, 3)], 3)
    view = registry_view(ledger, LINE)
    assert states(ledger) == {"tabular": "champion", "blend": "rolled_back"}
    assert view.history[-1].event.evidence["alarm"] == "gate_failures"
    assert [at for at, _ in view.history[-1].event.evidence["days_failed"]] == [  # type: ignore[union-attr,misc]
        "2026-04-21T00:00:00Z", "2026-04-22T00:00:00Z", "2026-04-23T00:00:00Z",
    ]  # fmt: skip


def test_a_day_that_passes_starts_the_count_again(ledger: Ledger) -> None:
    with_line(ledger, 3)
    days = [bad(NEW, 1), bad(NEW, 2), good(NEW, 3), bad(NEW, 4), bad(NEW, 5)]
    rolled(ledger, days, 5)
    assert states(ledger)["blend"] == "canary"
    rolled(ledger, [*days, bad(NEW, 6)], 6)
    assert states(ledger)["blend"] == "rolled_back"


@pytest.mark.parametrize(
    "changes",
    [{"coverage": math.nan}, {"coverage": 0.5}, {"coverage": 7.0}, {"ret_net": math.nan}, {"ret_net": -math.inf},
     {"drift": math.nan}, {"drift": -1.0}, {"reject_ratio": math.nan}, {"slippage_ratio": math.nan}],
)  # fmt: skip
def test_what_is_unknown_or_too_little_does_not_pass(ledger: Ledger, changes: dict[str, float]) -> None:
    with_line(ledger, 3)
    rolled(ledger, [replace(good(NEW, number), **changes) for number in (1, 2)], 2)
    assert (states(ledger)["blend"], len(reviews(ledger))) == ("canary", 0)
    rolled(ledger, [replace(good(NEW, number), **changes) for number in (1, 2, 3)], 3)
    assert states(ledger)["blend"] == "rolled_back"


def test_a_loss_beyond_the_bound_does_not_pass(ledger: Ledger) -> None:
    with_line(ledger, 3)
    days = [good(NEW, 1, ret_net=0.01), *(good(NEW, number, ret_net=-0.02) for number in (2, 3, 4, 5, 6))]
    rolled(ledger, days, 5)
    assert states(ledger)["blend"] == "canary"
    rolled(ledger, days, 6)
    assert states(ledger)["blend"] == "rolled_back"


def test_no_order_and_a_better_fill_are_no_anomaly(ledger: Ledger) -> None:
    with_line(ledger, 3)
    days = [good(NEW, 1, reject_ratio=None, slippage_ratio=None), good(NEW, 2, slippage_ratio=-0.3)]
    assert challenger_s(rolled(ledger, days, 2)).kind is ActionKind.PROPOSE


def test_days_of_other_models_early_days_and_coming_days_do_not_count(ledger: Ledger) -> None:
    view = with_line(ledger, 3)
    foreign = [replace(bad(OTHER, number), drift=9.0) for number in (1, 2, 3)]
    late = [replace(bad(NEW, number), drift=9.0) for number in (-3, -2, 0)]
    ahead = [replace(bad(NEW, number), drift=9.0) for number in (4, 5)]
    days = [*foreign, *late, *ahead, good(NEW, 1), good(NEW, 1), good(NEW, 2)]
    standing = view.challenger
    assert standing is not None
    seen = next_action(view, standing, days, {}, APPROVERS, SETTINGS, day(2)).watched.seen
    assert (seen.of_others, seen.late, seen.ahead, seen.duplicates, len(seen.days)) == (3, 3, 2, 1, 2)
    rolled(ledger, days, 2)
    assert states(ledger) == {"tabular": "champion", "blend": "canary"}


def test_an_action_that_comes_too_late_changes_nothing(ledger: Ledger) -> None:
    view = with_line(ledger, 3)
    assert view.challenger is not None
    days = [good(NEW, 1), good(NEW, 2), bad(NEW, 3), bad(NEW, 4), bad(NEW, 5)]
    rolled(ledger, days, 2)
    approve_all(ledger, "Ada Lovelace")
    known = {state.id: state for state in reviews(ledger)}
    up = next_action(view, view.challenger, days, known, APPROVERS, SETTINGS, day(2))
    assert up.kind is ActionKind.STEP_UP
    down = next_action(view, view.challenger, days, known, APPROVERS, SETTINGS, day(5))
    assert apply(ledger, down).too_late == ""
    after = registry_view(ledger, LINE)
    applied = apply(ledger, up)
    assert applied.too_late
    assert apply(ledger, down).view == applied.view == after


def test_a_day_before_the_line_moved_on_is_late(ledger_url: str) -> None:
    with open_ledger(ledger_url, clock=TickingClock(day(30)), anchors=None) as ledger:
        with_line(ledger, 3)
        record_event(ledger, event("registered", OTHER, 24 * 9))
        days = [replace(bad(NEW, number), drift=3.0) for number in range(1, 9)]
        assert "late" in challenger_s(rolled(ledger, days, 5)).sentence
        assert states(ledger)["blend"] == "canary"


@pytest.mark.parametrize("kind", ["registered", "canary"])
def test_what_claims_to_be_of_the_far_future_keeps_no_model_from_being_taken_back(ledger: Ledger, kind: str) -> None:
    with_line(ledger)
    later = event(kind, OTHER if kind == "registered" else NEW, 24 * 365 * 50)
    record_event(ledger, later)
    assert rolled(ledger, [replace(bad(NEW, 1), drift=3.0)], 1)[-1].too_late == ""
    assert states(ledger)["blend"] == "rolled_back"


def test_a_review_that_could_not_have_happened_keeps_no_model_from_being_taken_back(ledger: Ledger) -> None:
    with_line(ledger)
    ledger.append(Entry("recommendation/forged-1", "turn-1", "approved", {"reason": "x", "seen": "y"}, "mallory"))
    rolled(ledger, [replace(bad(NEW, 1), drift=3.0)], 1)
    assert states(ledger)["blend"] == "rolled_back"


def test_however_much_went_wrong_a_model_is_taken_back(ledger: Ledger) -> None:
    with_line(ledger)
    gates = tuple(f"a gate with a long name, number {number}" for number in range(200))
    rolled(ledger, [good(NEW, number, failed_gates=gates) for number in (1, 2, 3)], 3)
    assert states(ledger)["blend"] == "rolled_back"


@pytest.mark.parametrize("seconds", [1, 3_600, 86_399])
def test_reports_of_one_day_are_one_day_at_whatever_moment_they_are_made(ledger: Ledger, seconds: int) -> None:
    with_line(ledger)
    early = day(1) - timedelta(seconds=seconds)
    assert challenger_s(rolled(ledger, [good(NEW, 1), good(NEW, 1, at=early)], 1)).kind is ActionKind.WAIT
    often = [replace(bad(NEW, 1), at=moment) for moment in (early, day(1) - timedelta(microseconds=1), day(1))]
    assert challenger_s(rolled(ledger, often, 1)).kind is ActionKind.WAIT


def test_days_long_past_let_nobody_climb_who_was_not_seen_since(ledger: Ledger) -> None:
    with_line(ledger)
    days = [good(NEW, 1), good(NEW, 2)]
    rolled(ledger, days, 2)
    approve_all(ledger, "Ada Lovelace")
    assert "nobody has seen it since 2026-04-22" in challenger_s(rolled(ledger, days, 100)).sentence
    assert challenger_s(rolled(ledger, [*days, good(NEW, 100)], 100)).kind is ActionKind.STEP_UP


def test_a_moment_without_a_zone_is_refused_and_named(ledger: Ledger) -> None:
    with_line(ledger)
    with pytest.raises(RolloutError, match="2026-04-21T00:00:00 names no zone"):
        rolled(ledger, [good(NEW, 1, at=day(1).replace(tzinfo=None))], 1)


def test_reports_of_one_day_that_differ_count_as_the_worst(ledger: Ledger) -> None:
    with_line(ledger, 3)
    days = [good(NEW, 1), good(NEW, 1, drift=1.5, drift_feature="spread"), good(NEW, 1, drift=math.nan)]
    assert "spread" in challenger_s(rolled(ledger, days, 1)).sentence


def test_of_eight_processes_one_takes_a_model_back(ledger: Ledger, ledger_url: str) -> None:
    with_line(ledger, 5)

    def watch_it(number: int) -> int:
        with open_ledger(ledger_url, clock=lambda: datetime.now(UTC), anchors=None) as own:
            return len(rolled(own, [bad(NEW, each) for each in range(1, 4 + number)], 3 + number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(watch_it, range(8)))
    kinds = [each.event.kind for each in registry_view(ledger, LINE).history]
    assert (kinds.count("rolled_back"), states(ledger)) == (1, {"tabular": "champion", "blend": "rolled_back"})  # type: ignore[arg-type]


def test_only_a_recommended_candidate_gets_into_shadow(ledger: Ledger) -> None:
    record_event(ledger, event("registered", NEW, 0))
    found = PromotionDecision(PromotionStatus.RECOMMENDED, NEW.artifact_sha256, (), (), {})
    for refused in (replace(found, status=PromotionStatus.REFUSED), replace(found, artifact_sha256="9" * 64)):
        with pytest.raises(RolloutError, match="was not recommended"):
            shadow_event(refused, NEW, day(1))
    record_event(ledger, shadow_event(found, NEW, day(1)))
    assert states(ledger) == {"blend": "shadow"}


@pytest.mark.parametrize(
    "changes",
    [{"stages": (0.05,)}, {"stages": (0.5, 0.25)}, {"stages": ()}, {"canary": 1.0}, {"keys_to_full": 1},
     {"max_failures": 0}, {"salt": ""}, {"slat": "x"}],
)  # fmt: skip
def test_settings_that_do_not_climb_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RolloutSettings.model_validate(changes)


MAKERS = [good, bad, lambda artifact, number: good(artifact, number, drift=1.2)]
DAYS = st.lists(
    st.tuples(st.sampled_from([0, 0, 0, 1, 1, 2]), st.sampled_from([NEW, NEW, NEW, OLD, OTHER]), st.integers(-2, 9)),
    max_size=20,
)


class Crash(Exception):
    """A process that dies."""


def _told(folder: str, name: str, tell: Callable[[Ledger], None], steps: int) -> list[object]:
    url = f"sqlite:///{Path(folder) / name}.sqlite"
    with open_ledger(url, clock=TickingClock(), anchors=None) as ledger:
        with_line(ledger, steps)
        tell(ledger)
        events = [each.event for each in registry_view(ledger, LINE).history]
        return [states(ledger), [(each.kind, each.reason, each.evidence) for each in events]]


@examples(max_examples=10, deadline=None)
@given(given_days=DAYS, data=st.data(), steps=st.sampled_from([3, 4, 5]))
def test_order_duplicates_and_crashes_end_in_the_same_place(
    given_days: list[tuple[int, object, int]], data: st.DataObject, steps: int
) -> None:
    days = [MAKERS[maker](artifact, number) for maker, artifact, number in given_days]
    mixed = data.draw(st.permutations([*days, *days[: len(days) // 2]]))

    def once(ledger: Ledger) -> None:
        rolled(ledger, days, 9)

    def crashing(ledger: Ledger) -> None:
        for at in range(4):
            try:
                rolled(Dying(ledger, at), mixed, 9)  # type: ignore[arg-type]
            except Crash:
                continue
        rolled(ledger, mixed, 9)
        rolled(ledger, days, 9)

    with TemporaryDirectory() as folder:
        assert _told(folder, "once", once, steps) == _told(folder, "crashing", crashing, steps)


@examples(max_examples=10, deadline=None)
@given(given_days=DAYS, steps=st.sampled_from([3, 4, 5]))
def test_watched_day_by_day_or_all_at_once_the_same_models_stand(
    given_days: list[tuple[int, object, int]], steps: int
) -> None:
    days = [MAKERS[maker](artifact, number) for maker, artifact, number in given_days if artifact != OLD]

    def daily(ledger: Ledger) -> None:
        for number in range(1, 10):
            rolled(ledger, [each for each in days if each.at <= day(number)], number)

    def at_once(ledger: Ledger) -> None:
        rolled(ledger, days, 9)

    with TemporaryDirectory() as folder:
        assert _told(folder, "daily", daily, steps)[0] == _told(folder, "once", at_once, steps)[0]


class Dying:
    """A ledger whose process dies: before its nth append, or right after it, by turns."""

    def __init__(self, ledger: Ledger, left: int) -> None:
        self._ledger, self._left = ledger, left

    def append(self, entry: object) -> object:
        self._left -= 1
        if self._left == -1:
            raise Crash
        recorded = self._ledger.append(entry)  # type: ignore[arg-type]
        if self._left == 0:
            raise Crash
        return recorded

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger, name)


def test_a_ledger_that_cannot_be_reached_takes_nobody_back_twice(ledger: Ledger) -> None:
    with_line(ledger, 5)
    days = [bad(NEW, number) for number in (1, 2, 3)]

    class Flaky(Dying):
        def append(self, entry: object) -> object:
            self._ledger.append(entry)  # type: ignore[arg-type]
            raise LedgerUnavailable("the answer was lost")

    with pytest.raises(LedgerUnavailable):
        rolled(Flaky(ledger, 0), days, 3)  # type: ignore[arg-type]
    before = registry_view(ledger, LINE)
    for number in (3, 4):
        rolled(ledger, days, number)
    assert registry_view(ledger, LINE) == before
