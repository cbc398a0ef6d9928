"""Reviews: nothing happens before named people have said so, and nobody says so twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings, strategies as st
from pydantic import ValidationError

from distill_platform.core.errors import DecisionRefused, ReviewError, ReviewMissing
from distill_platform.governance.people import people, person
from distill_platform.governance.review_state import ReviewStatus
from distill_platform.governance.reviews import (
    approve,
    defer,
    find_review,
    propose,
    reject,
    review_state,
    reviews,
    sound_reviews,
)
from distill_platform.store.ledger import Entry, Ledger, open_ledger
from distill_platform.testing.ledger_contract import TickingClock
from distill_platform_tests.governance.made_reviews import recommendation

ONE, TWO = recommendation(), recommendation(keys_needed=2)


def test_a_recommendation_waits_until_it_is_approved(ledger: Ledger) -> None:
    state = propose(ledger, ONE, "platform")
    assert (state.status, state.approved_at, state.id) == (ReviewStatus.AWAITING, None, ONE.id)
    state = approve(ledger, ONE.id, "Ada Lovelace", "the forward window convinces me")
    assert (state.status, len(state.approvals)) == (ReviewStatus.APPROVED, 1)
    assert state.approved_at == state.approvals[0].recorded_at
    assert review_state(ledger, ONE.id) == state
    assert [each.id for each in reviews(ledger)] == [ONE.id]


def test_two_keys_are_two_people_s(ledger: Ledger) -> None:
    propose(ledger, TWO, "platform")
    for spelling in (
        "Ada Lovelace",
        "ADA LOVELACE",
        "  ada   lovelace ",
        "Ada\u00a0Lovelace",
        "Áda Lovelace",
        "ada.lovelace",
    ):
        assert approve(ledger, TWO.id, spelling, "yes").status is ReviewStatus.AWAITING
    assert review_state(ledger, TWO.id).number == 2
    assert approve(ledger, TWO.id, "GRACE@example.org", "yes").status is ReviewStatus.APPROVED


@pytest.mark.parametrize(
    "name",
    ["mallory", "platform", "Platform ", "dagster", "system", "", "  ", "42", "Аda Lovelace", "Ada Love\u200blace",
     "ada\nlovelace\x00", "root", "Ada", "ada lovelace grace@example.org", "Λda"],
)  # fmt: skip
def test_nobody_but_an_approver_decides(ledger: Ledger, name: str) -> None:
    propose(ledger, ONE, "platform")
    for decide in (approve, reject, defer):
        with pytest.raises(DecisionRefused):
            decide(ledger, ONE.id, name, "because")
    assert review_state(ledger, ONE.id).number == 1


def test_where_the_world_names_nobody_nobody_can(ledger: Ledger) -> None:
    orphan = recommendation(approvers=[])
    propose(ledger, orphan, "platform")
    with pytest.raises(DecisionRefused, match="Its approvers are: nobody"):
        approve(ledger, orphan.id, "Ada Lovelace", "yes")
    machines = recommendation(approvers=["platform", "", "Аda"], action="stage")
    propose(ledger, machines, "feeds")
    with pytest.raises(DecisionRefused):
        approve(ledger, machines.id, "platform", "yes")


def test_who_proposed_it_does_not_decide_on_it(ledger: Ledger) -> None:
    propose(ledger, ONE, "ADA lovelace")
    with pytest.raises(DecisionRefused, match="proposed"):
        approve(ledger, ONE.id, "Ada Lovelace", "I like it")
    propose(ledger, recommendation(evidence={"decision": "new"}), "grace@example.org")
    with pytest.raises(DecisionRefused, match="proposed"):
        approve(ledger, ONE.id, "Ada Lovelace", "I still like it")
    assert approve(ledger, ONE.id, "Kurt Godel", "fine").status is ReviewStatus.APPROVED


@pytest.mark.parametrize("reason", ["", "  ", "\n\t", "\u200b\u2060", "..."])
def test_a_decision_needs_a_reason(ledger: Ledger, reason: str) -> None:
    propose(ledger, ONE, "platform")
    with pytest.raises(DecisionRefused, match="needs a reason"):
        approve(ledger, ONE.id, "Ada Lovelace", reason)


def test_the_same_proposal_and_decision_again_record_nothing(ledger: Ledger) -> None:
    for _ in range(3):
        propose(ledger, TWO, "platform")
        state = approve(ledger, TWO.id, "Ada Lovelace", "yes")
    assert (state.number, len(state.decisions)) == (2, 1)


@pytest.mark.parametrize(
    "changes",
    [{"evidence": {"decision": "new"}}, {"keys_needed": 3}, {"approvers": ["Ada Lovelace", "grace@example.org"]},
     {"summary": "Let it serve everybody"}],
)  # fmt: skip
def test_an_approval_expires_with_what_it_was_given_on(ledger: Ledger, changes: dict[str, object]) -> None:
    propose(ledger, TWO, "platform")
    approve(ledger, TWO.id, "Ada Lovelace", "yes")
    approve(ledger, TWO.id, "grace@example.org", "yes")
    state = propose(ledger, recommendation(**{"keys_needed": 2, **changes}), "platform")
    assert (state.id, state.status, len(state.expired)) == (TWO.id, ReviewStatus.AWAITING, 2)
    assert review_state(ledger, TWO.id) == state
    again = propose(ledger, TWO, "platform")
    assert again.status is ReviewStatus.AWAITING


def test_what_was_looked_at_can_be_said_and_must_still_be_there(ledger: Ledger) -> None:
    propose(ledger, ONE, "platform")
    newer = recommendation(evidence={"decision": "new"})
    propose(ledger, newer, "platform")
    with pytest.raises(DecisionRefused, match="other evidence"):
        approve(ledger, ONE.id, "Ada Lovelace", "yes", seen=ONE.sha256)
    assert approve(ledger, ONE.id, "Ada Lovelace", "yes", seen=newer.sha256).status is ReviewStatus.APPROVED


def test_an_empty_hash_is_not_whatever_is_there(ledger: Ledger) -> None:
    propose(ledger, ONE, "platform")
    with pytest.raises(DecisionRefused, match="other evidence"):
        approve(ledger, ONE.id, "Ada Lovelace", "yes", seen="")


def test_a_name_with_odd_spaces_is_recorded_as_it_is_written_plainly(ledger: Ledger) -> None:
    propose(ledger, ONE, "platform")
    approved = approve(ledger, ONE.id, " Ada\u00a0\nLovelace ", "yes").approvals
    assert [each.decision.actor for each in approved] == ["Ada Lovelace"]


def test_a_refusal_does_not_repeat_a_name_without_end(ledger: Ledger) -> None:
    propose(ledger, ONE, "platform")
    with pytest.raises(DecisionRefused) as refused:
        approve(ledger, ONE.id, "mallory" + "\u0301" * 100_000, "yes")
    assert len(str(refused.value)) < 500


def test_what_somebody_wrote_into_one_review_hides_no_other(ledger: Ledger) -> None:
    propose(ledger, ONE, "platform")
    ledger.append(Entry("recommendation/forged-1", "turn-1", "approved", {"reason": "x", "seen": "y"}, "mallory"))
    assert [each.id for each in sound_reviews(ledger)] == [ONE.id]
    with pytest.raises(ReviewError, match="forged-1 could not have happened"):
        reviews(ledger)


def test_one_rejection_ends_it_for_ever(ledger: Ledger) -> None:
    propose(ledger, ONE, "platform")
    approve(ledger, ONE.id, "Ada Lovelace", "yes")
    assert reject(ledger, ONE.id, "Kurt Gödel", "there is a hole in it").status is ReviewStatus.REJECTED
    with pytest.raises(DecisionRefused, match="was rejected by Kurt Gödel"):
        approve(ledger, ONE.id, "grace@example.org", "yes")
    assert propose(ledger, recommendation(evidence={"decision": "new"}), "platform").status is ReviewStatus.REJECTED
    assert reject(ledger, ONE.id, "kurt godel", "again").number == 3


def test_who_defers_has_not_approved(ledger: Ledger) -> None:
    propose(ledger, TWO, "platform")
    approve(ledger, TWO.id, "Ada Lovelace", "yes")
    assert defer(ledger, TWO.id, "Ada Lovelace", "after the holidays").status is ReviewStatus.DEFERRED
    assert approve(ledger, TWO.id, "grace@example.org", "yes").status is ReviewStatus.DEFERRED
    assert approve(ledger, TWO.id, "Ada Lovelace", "they are over").status is ReviewStatus.APPROVED


def test_what_was_never_proposed_is_missing(ledger: Ledger) -> None:
    assert find_review(ledger, "canary-0") is None
    for decide in (approve, reject, defer):
        with pytest.raises(ReviewMissing):
            decide(ledger, "canary-0", "Ada Lovelace", "yes")


@pytest.mark.parametrize(
    ("kind", "body", "actor"),
    [
        ("approved", {"reason": "yes", "seen": ONE.sha256}, "mallory"),
        ("approved", {"reason": "", "seen": ONE.sha256}, "Ada Lovelace"),
        ("approved", {"reason": "yes", "seen": "0" * 64}, "Ada Lovelace"),
        ("approved", {"reason": "yes"}, "Ada Lovelace"),
        ("approved", {"reason": 1, "seen": ONE.sha256}, "Ada Lovelace"),
        ("forced", {"reason": "yes", "seen": ONE.sha256}, "Ada Lovelace"),
        ("proposed", {"anything": 1}, "platform"),
        ("proposed", recommendation(action="promote").to_body(), "platform"),
    ],
)
def test_what_was_written_around_the_rules_counts_for_nothing(
    ledger: Ledger, kind: str, body: dict[str, object], actor: str
) -> None:
    propose(ledger, ONE, "platform")
    ledger.append(Entry(f"recommendation/{ONE.id}", "forged", kind, body, actor))
    with pytest.raises(ReviewError, match=r"revision 2 .* could not have happened"):
        review_state(ledger, ONE.id)


def test_a_decision_without_a_proposal_counts_for_nothing(ledger: Ledger) -> None:
    ledger.append(Entry("recommendation/x", "forged", "approved", {"reason": "yes", "seen": "0"}, "Ada Lovelace"))
    with pytest.raises(ReviewError, match="nobody proposed"):
        review_state(ledger, "x")


@pytest.mark.parametrize(
    "changes",
    [{"keys_needed": 0}, {"evidence": {}}, {"subject": {}}, {"action": "a/b"}, {"summary": " "}, {"approver": ["x"]}],
)
def test_a_recommendation_is_complete(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        recommendation(**changes)


def test_of_eight_processes_that_turn_one_person_s_key_one_does(ledger: Ledger, ledger_url: str) -> None:
    propose(ledger, TWO, "platform")

    def turn(_: int) -> ReviewStatus:
        with open_ledger(ledger_url, clock=lambda: datetime.now(UTC), anchors=None) as own:
            return approve(own, TWO.id, "Ada Lovelace", "yes").status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(turn, range(8))) == {ReviewStatus.AWAITING}
    assert review_state(ledger, TWO.id).number == 2


def test_a_person_is_one_however_the_name_is_written() -> None:
    assert {person(name) for name in ("Kurt Gödel", "KURT GO\u0308DEL", "ｋｕｒｔ gödel", "kurt-godel")} == {
        "kurtgodel"
    }
    assert people(["Ada", "ada ", "АДА", "bot"]) == {"ada"}


NAMES = st.sampled_from(["Ada Lovelace", "ada lovelace", "grace@example.org", "Kurt Gödel", "mallory", "platform"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([approve, reject, defer]), NAMES),
        st.tuples(st.just(propose), st.sampled_from(["1", "2"])),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_an_approval_is_of_two_approvers_on_the_present_evidence(
    steps: list[tuple[object, str]],
) -> None:
    with (
        TemporaryDirectory() as folder,
        open_ledger(f"sqlite:///{Path(folder) / 'l.sqlite'}", clock=TickingClock(), anchors=None) as ledger,
    ):
        propose(ledger, TWO, "platform")
        rejected = False
        for verb, word in steps:
            try:
                if verb is propose:
                    state = propose(ledger, recommendation(keys_needed=2, evidence={"decision": word}), "platform")
                else:
                    state = verb(ledger, TWO.id, word, "because")  # type: ignore[operator]
            except DecisionRefused:
                continue
            rejected = rejected or verb is reject
            assert state == review_state(ledger, TWO.id)
            assert (state.status is ReviewStatus.REJECTED) == rejected
            if state.status is ReviewStatus.APPROVED:
                assert len({each.decision.person for each in state.approvals}) == 2
                assert all(each.decision.seen == state.recommendation.sha256 for each in state.approvals)
