"""`distill review`: what waits for a decision, and the decision."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from distill_platform.governance.reviews import propose
from distill_platform.store.ledger import open_ledger
from distill_platform_tests.cli.terminal import distill, document, flat
from distill_platform_tests.governance.made_reviews import recommendation

TWO = recommendation(keys_needed=2)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one recommendation that needs two keys."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "platform.yaml").write_text("workers: 1\n")
    clock: Callable[[], datetime] = lambda: datetime(2026, 4, 20, 12, tzinfo=UTC)  # noqa: E731 - one line is enough
    home = tmp_path / "data" / "ledger"
    with open_ledger(f"sqlite:///{home / 'ledger.sqlite'}", clock=clock, anchors=home / "anchors.jsonl") as ledger:
        propose(ledger, TWO, "platform")
    return tmp_path


def decide(project: Path, verb: str, who: str, *more: str) -> object:
    return distill(project, "review", verb, TWO.id, "--as", who, "--reason", "it holds", *more)


def test_a_recommendation_is_listed_shown_and_approved_by_two(project: Path) -> None:
    assert TWO.id in distill(project, "review", "list").stdout
    shown = flat(distill(project, "review", "show", TWO.id).stdout)
    assert "0 of 2 keys turned" in shown
    assert "approvers  Ada Lovelace, grace@example.org" in distill(project, "review", "show", TWO.id).stdout
    seen = document(distill(project, "review", "show", TWO.id, "--json"))["sha256"]
    for who, status in (("Ada Lovelace", "awaiting"), ("ADA LOVELACE", "awaiting"), ("grace@example.org", "approved")):
        found = document(decide(project, "approve", who, "--seen", seen, "--json"))
        assert found["status"] == status
    assert [each["by"] for each in found["decisions"]] == ["Ada Lovelace", "grace@example.org"]
    assert "nothing waits" in distill(project, "review", "list").stdout
    assert len(document(distill(project, "review", "list", "--all", "--json"))["reviews"]) == 1


def test_who_may_not_decide_is_told_who_may(project: Path) -> None:
    result = decide(project, "approve", "mallory")
    assert result.exit_code == 1
    assert "Its approvers are: Ada Lovelace" in flat(result.output)
    assert document(decide(project, "reject", "platform", "--json"))["error"]["kind"] == "DecisionRefused"


def test_a_rejection_and_a_deferral_are_recorded_with_their_reason(project: Path) -> None:
    assert "deferred" in decide(project, "defer", "Ada Lovelace").stdout
    assert "rejected by grace@example.org" in flat(decide(project, "reject", "grace@example.org").stdout)
    assert decide(project, "approve", "Ada Lovelace").exit_code == 1


@pytest.mark.parametrize("name", ["nothing-0", "../etc", "a b", ""])
def test_a_review_that_is_not_there_is_bad_usage(project: Path, name: str) -> None:
    assert distill(project, "review", "show", name).exit_code == 2


def test_nobody_decides_without_a_name_or_a_reason(project: Path) -> None:
    assert distill(project, "review", "approve", TWO.id, "--reason", "yes").exit_code == 2
    assert distill(project, "review", "approve", TWO.id, "--as", "Ada Lovelace").exit_code == 2
    assert distill(project, "review", "approve", TWO.id, "--as", "Ada Lovelace", "--reason", " ").exit_code == 1
