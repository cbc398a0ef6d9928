"""The registry: one story per rule, then random stories that end in the same place however they are retold."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings, strategies as st
from pydantic import ValidationError

from distill_platform.core.errors import ControlArmFrozen, LateModelEvent, RegistryError, TransitionRefused
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.model_event import ModelEvent, ModelEventKind
from distill_platform.models.registry import ModelState, RegistryView, record_event, registry_view, view_of
from distill_platform.store.ledger import Entry, Ledger, open_ledger
from distill_platform.testing.ledger_contract import TickingClock
from distill_platform_tests.models.made_models import LINE, MONDAY, event, reference

OLD, NEW, ARM = reference("tabular", "1"), reference("blend", "2"), reference("ridge", "3")
TO_CHAMPION = ("registered", "shadow", "canary", "stage", "promoted")


def told(ledger: Ledger, events: Iterable[ModelEvent]) -> RegistryView:
    for each in events:
        record_event(ledger, each)
    return registry_view(ledger, LINE)


def rise(artifact: ArtifactReference, start: int) -> list[ModelEvent]:
    return [event(kind, artifact, start + hour) for hour, kind in enumerate(TO_CHAMPION)]


def test_a_line_without_events_has_no_champion_and_no_challenger(ledger: Ledger) -> None:
    view = registry_view(ledger, LINE)
    assert (view.champion, view.challenger, dict(view.arms), view.history, view.number) == (None, None, {}, (), 0)


def test_a_model_rises_step_by_step_and_serves_more_with_each(ledger: Ledger) -> None:
    shares = []
    for each in rise(OLD, 0):
        standing = record_event(ledger, each).standing(OLD.artifact_sha256)
        assert standing is not None
        shares.append((standing.state, standing.share))
    assert shares == [("registered", 0.0), ("shadow", 0.0), ("canary", 0.1), ("staged", 0.5), ("champion", 1.0)]
    view = registry_view(ledger, LINE)
    assert view.champion is not None
    assert view.champion.artifact == OLD
    assert [each.event.reason for each in view.history_of(OLD.artifact_sha256)] == ["it was time"] * 5


def test_the_predecessor_serves_again_after_a_rollback(ledger: Ledger) -> None:
    view = told(ledger, [*rise(OLD, 0), *rise(NEW, 10)])
    assert (view.champion.artifact, view.predecessor.artifact) == (NEW, OLD)  # type: ignore[union-attr]
    view = told(ledger, [event("rolled_back", NEW, 20)])
    assert (view.champion.artifact, view.champion.share, view.predecessor) == (OLD, 1.0, None)  # type: ignore[union-attr]
    assert view.standings[NEW.artifact_sha256].state is ModelState.ROLLED_BACK
    assert told(ledger, [event("rolled_back", OLD, 21)]).champion is None


def test_a_challenger_that_is_rolled_back_leaves_the_champion_alone(ledger: Ledger) -> None:
    view = told(ledger, [*rise(OLD, 0), *rise(NEW, 10)[:3], event("rolled_back", NEW, 20)])
    assert view.champion is not None
    assert (view.champion.artifact, view.champion.number, view.challenger) == (OLD, 5, None)


def test_there_is_one_challenger_at_a_time(ledger: Ledger) -> None:
    told(ledger, [*rise(OLD, 0)[:2], event("registered", NEW, 5)])
    with pytest.raises(TransitionRefused, match="challenges the champion of btc_hourly already"):
        record_event(ledger, event("shadow", NEW, 6))


@pytest.mark.parametrize("kind", [kind for kind in ModelEventKind if kind is not ModelEventKind.REGISTERED])
def test_nothing_happens_to_a_model_that_is_not_registered(ledger: Ledger, kind: ModelEventKind) -> None:
    with pytest.raises(TransitionRefused, match="not registered"):
        record_event(ledger, event(kind, OLD, 0))
    assert registry_view(ledger, LINE).number == 0


@pytest.mark.parametrize(("steps", "kind"), [(1, "canary"), (2, "stage"), (2, "promoted"), (3, "promoted")])
def test_no_step_is_left_out(ledger: Ledger, steps: int, kind: str) -> None:
    told(ledger, rise(OLD, 0)[:steps])
    with pytest.raises(TransitionRefused, match="must be"):
        record_event(ledger, event(kind, OLD, 10))


@pytest.mark.parametrize("steps", [3, 4, 5])
def test_what_serves_is_rolled_back_before_it_is_retired(ledger: Ledger, steps: int) -> None:
    told(ledger, rise(OLD, 0)[:steps])
    with pytest.raises(TransitionRefused):
        record_event(ledger, event("retired", OLD, 10))
    assert told(ledger, [event("rolled_back", OLD, 11), event("retired", OLD, 12)]).champion is None


def test_a_model_that_was_rolled_back_does_not_come_back(ledger: Ledger) -> None:
    told(ledger, [*rise(OLD, 0), event("rolled_back", OLD, 10)])
    for kind in ("shadow", "canary", "promoted"):
        with pytest.raises(TransitionRefused):
            record_event(ledger, event(kind, OLD, 11))


@pytest.mark.parametrize("share", [0.3, 0.25])
def test_a_stage_serves_more_than_the_one_before(ledger: Ledger, share: float) -> None:
    told(ledger, rise(OLD, 0)[:4])
    with pytest.raises(TransitionRefused, match=r"serves 0\.5 already"):
        record_event(ledger, event("stage", OLD, 10, share=share, event_id="down"))
    assert registry_view(ledger, LINE).number == 4


def test_a_control_arm_is_frozen_once(ledger: Ledger) -> None:
    told(ledger, [event("registered", ARM, 0), event("frozen", ARM, 1), event("registered", NEW, 2)])
    with pytest.raises(ControlArmFrozen, match="control arm ridge of btc_hourly is ridge 1 for ever"):
        record_event(ledger, event("frozen", NEW, 3))
    assert told(ledger, [event("frozen", ARM, 4)]).number == 3
    for kind in ("shadow", "retired", "rolled_back"):
        with pytest.raises(TransitionRefused):
            record_event(ledger, event(kind, ARM, 5))
    assert registry_view(ledger, LINE).arms == {"ridge": ARM}


def test_a_name_and_version_are_one_artifact_s(ledger: Ledger) -> None:
    told(ledger, [event("registered", OLD, 0)])
    with pytest.raises(TransitionRefused, match="for ever"):
        record_event(ledger, event("registered", reference("tabular", "9"), 1))
    with pytest.raises(TransitionRefused, match="for ever"):
        record_event(ledger, event("shadow", reference("other", "1"), 1))


def test_the_same_event_again_changes_nothing_however_late(ledger: Ledger) -> None:
    before = told(ledger, [*rise(OLD, 0), *rise(NEW, 10), event("rolled_back", NEW, 20)])
    assert told(ledger, [*rise(NEW, 10), event("rolled_back", NEW, 20), *rise(OLD, 0)]) == before


def test_a_rollback_that_is_decided_twice_happens_once(ledger: Ledger) -> None:
    before = told(ledger, [*rise(OLD, 0), *rise(NEW, 10), event("rolled_back", NEW, 20)])
    assert told(ledger, [event("rolled_back", NEW, 21), event("rolled_back", NEW, 15, event_id="late")]) == before


def test_an_event_that_was_decided_before_the_last_one_is_late(ledger: Ledger) -> None:
    told(ledger, rise(OLD, 10)[:3])
    with pytest.raises(LateModelEvent, match="was decided at 2026-04-20T11:00:00Z, before canary"):
        record_event(ledger, event("stage", OLD, 11))
    assert registry_view(ledger, LINE).number == 3


def test_an_event_id_is_one_event_s(ledger: Ledger) -> None:
    told(ledger, [event("registered", OLD, 0, event_id="e")])
    with pytest.raises(RegistryError, match="event_id e is another event's"):
        record_event(ledger, event("shadow", OLD, 1, event_id="e"))


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("canary", {"share": None}, "which share"),
        ("promoted", {"share": 0.5}, "which share"),
        ("canary", {"share": 1.0}, "less than 1"),
        ("canary", {"share": float("nan")}, "finite"),
        ("frozen", {"arm": None}, "which control arm"),
        ("shadow", {"arm": "ridge"}, "which control arm"),
        ("promoted", {"evidence": {}}, "no evidence"),
        ("rolled_back", {"evidence": {}}, "no evidence"),
        ("shadow", {"reason": "  "}, "at least 1 character"),
        ("shadow", {"actor": ""}, "at least 1 character"),
        ("shadow", {"decided_at": MONDAY.replace(tzinfo=None)}, "zone"),
    ],
)
def test_an_event_without_what_its_kind_asks_for_is_none(kind: str, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        event(kind, OLD, 0, **changes)


def test_a_history_that_could_not_have_happened_is_no_view(ledger: Ledger) -> None:
    forged = event("promoted", OLD, 0)
    ledger.append(Entry(f"model/{LINE}", "forged", "promoted", forged.to_body(), "mallory"))
    with pytest.raises(RegistryError, match="revision 1 of model/btc_hourly could not have happened"):
        registry_view(ledger, LINE)
    ledger.append(Entry("model/other", "stranger", "note", {"text": "hello"}, "mallory"))
    with pytest.raises(RegistryError, match="an event of a model is wrong at"):
        registry_view(ledger, "other")


@pytest.mark.parametrize(
    ("stream", "kind", "actor"), [("other", "registered", "ada"), (LINE, "shadow", "ada"), (LINE, "registered", "eve")]
)
def test_an_event_that_was_copied_to_another_place_is_no_event(
    ledger: Ledger, stream: str, kind: str, actor: str
) -> None:
    ledger.append(Entry(f"model/{stream}", "copied", kind, event("registered", OLD, 0).to_body(), actor))
    with pytest.raises(RegistryError, match="says otherwise"):
        registry_view(ledger, stream)


def test_of_eight_models_that_start_to_challenge_at_once_one_does(ledger: Ledger, ledger_url: str) -> None:
    models = [reference(f"model{digit}", digit) for digit in "12345678"]
    told(ledger, [event("registered", model, 0) for model in models])

    def challenge(model: ArtifactReference) -> bool:
        with open_ledger(ledger_url, clock=lambda: datetime.now(UTC), anchors=None) as own:
            try:
                record_event(own, event("shadow", model, 1))
            except TransitionRefused:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(challenge, models)) == 1
    assert registry_view(ledger, LINE).number == 9


def test_lines_do_not_know_of_each_other(ledger: Ledger) -> None:
    told(ledger, rise(OLD, 0))
    assert registry_view(ledger, "eth_hourly").standings == {}


def test_every_prefix_of_a_history_is_a_view(ledger: Ledger) -> None:
    told(ledger, [*rise(OLD, 0), *rise(NEW, 10), event("rolled_back", NEW, 20)])
    revisions = ledger.read(f"model/{LINE}")
    champions = [view_of(LINE, revisions[:end]).champion for end in range(len(revisions) + 1)]
    assert [each and each.artifact.name for each in champions] == [*[None] * 5, *["tabular"] * 5, "blend", "tabular"]


STORY = st.lists(
    st.tuples(
        st.sampled_from([OLD, NEW, ARM]), st.sampled_from(list(ModelEventKind)), st.sampled_from([0.1, 0.3, 0.6])
    ),
    max_size=24,
)


def _story(steps: list[tuple[object, ModelEventKind, float]]) -> list[ModelEvent]:
    shares = {ModelEventKind.CANARY, ModelEventKind.STAGE}
    return [
        event(kind, artifact, hour, **({"share": share} if kind in shares else {}))  # type: ignore[arg-type]
        for hour, (artifact, kind, share) in enumerate(steps)
    ]


def _record_what_may_be(ledger: Ledger, events: Iterable[ModelEvent]) -> None:
    for each in events:
        try:
            record_event(ledger, each)
        except RegistryError:
            continue


@settings(max_examples=20)
@given(steps=STORY, cut=st.integers(0, 24))
def test_a_story_cut_off_anywhere_and_told_again_from_the_start_ends_the_same(
    steps: list[tuple[object, ModelEventKind, float]], cut: int
) -> None:
    events = _story(steps)
    with TemporaryDirectory() as folder:
        views = []
        for name, parts in (("once", [events]), ("again", [events[:cut], events, events])):
            url = f"sqlite:///{Path(folder) / name}.sqlite"
            with open_ledger(url, clock=TickingClock(), anchors=None) as ledger:
                for part in parts:
                    _record_what_may_be(ledger, part)
                views.append(registry_view(ledger, LINE))
    assert [each.event for each in views[0].history] == [each.event for each in views[1].history]
    for view in views:
        states = [standing.state for standing in view.standings.values()]
        assert states.count(ModelState.CHAMPION) <= 1
        assert sum(state in ("shadow", "canary", "staged") for state in states) <= 1


def test_an_event_of_the_same_moment_is_not_late(ledger: Ledger) -> None:
    told(ledger, [event("registered", OLD, 0), event("shadow", OLD, 0)])
    record_event(ledger, event("canary", OLD, 0).model_copy(update={"decided_at": MONDAY + timedelta(0)}))
    assert registry_view(ledger, LINE).number == 3


def test_an_event_that_claims_to_be_decided_in_the_far_future_locks_nobody_out(ledger: Ledger) -> None:
    told(ledger, rise(OLD, 0)[:2])
    far = event("canary", OLD, 24 * 365 * 50)
    record_event(ledger, far)
    record_event(ledger, event("rolled_back", OLD, 13))
    assert registry_view(ledger, LINE).challenger is None
