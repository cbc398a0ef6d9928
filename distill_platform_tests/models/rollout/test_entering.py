"""Entering: the best by its validation window goes into shadow, one at a time, the same however often it is asked."""

from datetime import timedelta

import pytest

from distill_platform.core.errors import RolloutError
from distill_platform.models.promotion.deciding import PromotionDecision, PromotionStatus
from distill_platform.models.registry import record_event, registry_view
from distill_platform.models.rollout.entering import Recommended, best_of, enter_shadow
from distill_platform.store.ledger import Ledger
from distill_platform_tests.models.made_models import LINE, MONDAY, event
from distill_platform_tests.models.rollout.made_rollouts import NEW, OLD, OTHER, states

LONG_AGO = -24 * 365
WEEK_S_END = MONDAY + timedelta(hours=LONG_AGO + 24)
"""Before the ledger's clock began: an event that was decided later than it was recorded keeps nobody out."""


def recommended(artifact: object, profit: float, status: str = "recommended") -> Recommended:
    decision = PromotionDecision(PromotionStatus(status), artifact.artifact_sha256, (), (), {})  # type: ignore[attr-defined]
    return Recommended(artifact, decision, profit)  # type: ignore[arg-type]


def registered(ledger: Ledger) -> None:
    for hour, artifact in enumerate((OLD, NEW, OTHER)):
        record_event(ledger, event("registered", artifact, LONG_AGO + hour))


def test_the_best_is_who_earned_most_in_the_validation_window() -> None:
    candidates = [recommended(OLD, 0.1), recommended(NEW, 0.3), recommended(OTHER, 0.2)]
    best = best_of(candidates)
    assert best is not None
    assert best == best_of(candidates[::-1])
    assert (best.artifact, best_of([])) == (NEW, None)


def test_it_enters_once_as_of_the_end_of_its_week(ledger: Ledger) -> None:
    registered(ledger)
    for _ in range(3):
        assert enter_shadow(ledger, recommended(NEW, 0.1), WEEK_S_END) == "shadow"
    shadows = [each.event for each in registry_view(ledger, LINE).history if each.event.kind == "shadow"]
    assert [each.decided_at for each in shadows] == [WEEK_S_END]


def test_it_waits_while_another_challenger_stands(ledger: Ledger) -> None:
    registered(ledger)
    enter_shadow(ledger, recommended(NEW, 0.1), WEEK_S_END)
    assert enter_shadow(ledger, recommended(OTHER, 0.9), WEEK_S_END + timedelta(days=7)) == "waits"
    assert states(ledger)["ridge"] == "registered"


def test_who_has_entered_before_says_so_even_when_it_was_taken_back(ledger: Ledger) -> None:
    registered(ledger)
    enter_shadow(ledger, recommended(NEW, 0.1), WEEK_S_END)
    record_event(ledger, event("rolled_back", NEW, LONG_AGO + 24 * 9))
    assert enter_shadow(ledger, recommended(NEW, 0.1), WEEK_S_END) == "shadow"
    assert states(ledger)["blend"] == "rolled_back"


def test_a_week_that_the_line_has_left_behind_lets_nobody_in(ledger: Ledger) -> None:
    registered(ledger)
    enter_shadow(ledger, recommended(NEW, 0.1), WEEK_S_END)
    record_event(ledger, event("rolled_back", NEW, LONG_AGO + 24 * 9))
    assert enter_shadow(ledger, recommended(OTHER, 0.2), WEEK_S_END) == "late"
    assert enter_shadow(ledger, recommended(OTHER, 0.2), WEEK_S_END + timedelta(days=14)) == "shadow"


def test_who_was_refused_or_retired_never_enters(ledger: Ledger) -> None:
    registered(ledger)
    with pytest.raises(RolloutError):
        enter_shadow(ledger, recommended(NEW, 0.1, "refused"), WEEK_S_END)
    record_event(ledger, event("retired", OTHER, LONG_AGO + 5))
    assert enter_shadow(ledger, recommended(OTHER, 0.1), WEEK_S_END) == ""
    assert states(ledger) == {"tabular": "registered", "blend": "registered", "ridge": "retired"}
