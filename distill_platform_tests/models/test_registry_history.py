"""The registry by the time of its data: what held at a moment, whenever it is asked."""

from datetime import timedelta

from distill_platform.models.registry import record_event, registry_view
from distill_platform.models.registry_history import events_beside, view_at, view_before, view_then
from distill_platform.store.ledger import Ledger
from distill_platform_tests.models.made_models import LINE, MONDAY, event
from distill_platform_tests.models.rollout.made_rollouts import NEW, rise


def test_a_moment_knows_what_was_decided_until_then_and_nothing_later(ledger: Ledger) -> None:
    for each in rise(NEW, 0, 4):
        record_event(ledger, each)
    found = [view_at(ledger, LINE, MONDAY + timedelta(hours=hour)) for hour in range(-1, 4)]
    states = [each.standing(NEW.artifact_sha256) for each in found]
    assert [each and each.state.value for each in states] == [None, "registered", "shadow", "canary", "staged"]
    assert found[-1].standings == registry_view(ledger, LINE).standings


def test_whoever_decides_again_at_a_moment_sees_what_was_seen_the_first_time(ledger: Ledger) -> None:
    first, second, canary, stage = rise(NEW, 0, 4)
    for each in (first, second):
        record_event(ledger, each)
    before = registry_view(ledger, LINE)
    for each in (canary, stage):
        record_event(ledger, each)
    for view in (view_before, view_then):
        assert view(ledger, LINE, "ada", canary.decided_at).standings == before.standings
        assert view(ledger, LINE, "somebody else", stage.decided_at).standings != before.standings
    assert events_beside(ledger, LINE, "ada", canary.decided_at) == [first, second, stage]


def test_where_nothing_was_recorded_at_a_moment_the_line_has_moved_on(ledger: Ledger) -> None:
    for each in rise(NEW, 0, 3):
        record_event(ledger, each)
    late = event("rolled_back", NEW, 48)
    record_event(ledger, late)
    moment = MONDAY + timedelta(hours=24)
    assert view_before(ledger, LINE, "ada", moment).history[-1].event == late
    stands = view_then(ledger, LINE, "ada", moment).standing(NEW.artifact_sha256)
    assert stands is not None
    assert stands.state.value == "canary"
