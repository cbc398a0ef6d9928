"""The registry: who is champion, who challenges it and what the control arms are, as a view of what was recorded.

Stream `model/<line>` holds events, each about one artifact. The view is what they come to, one after the other; nothing
else says which model serves. An event that could not follow where its model stands is refused and not recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from distill_platform.core.errors import ControlArmFrozen, LateModelEvent, RegistryError, TransitionRefused
from distill_platform.core.utc import iso
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.model_event import ModelEvent, ModelEventKind
from distill_platform.store.ledger import Ledger, Revision, take_turn


class ModelState(StrEnum):
    """Where a model stands."""

    REGISTERED = "registered"
    CONTROL_ARM = "control_arm"  # frozen for ever: what candidates are compared with
    SHADOW = "shadow"  # scores, and nobody acts on it
    CANARY = "canary"  # serves a first share
    STAGED = "staged"  # serves a larger one
    CHAMPION = "champion"  # serves all that no challenger serves
    SUPERSEDED = "superseded"  # was champion, and is again if its successor is rolled back
    ROLLED_BACK = "rolled_back"
    RETIRED = "retired"


_LEADS_TO = {
    ModelEventKind.REGISTERED: ModelState.REGISTERED,
    ModelEventKind.FROZEN: ModelState.CONTROL_ARM,
    ModelEventKind.SHADOW: ModelState.SHADOW,
    ModelEventKind.CANARY: ModelState.CANARY,
    ModelEventKind.STAGE: ModelState.STAGED,
    ModelEventKind.PROMOTED: ModelState.CHAMPION,
    ModelEventKind.ROLLED_BACK: ModelState.ROLLED_BACK,
    ModelEventKind.RETIRED: ModelState.RETIRED,
}
CHALLENGING = frozenset({ModelState.SHADOW, ModelState.CANARY, ModelState.STAGED})
_FOLLOWS: dict[ModelEventKind, frozenset[ModelState | None]] = {
    ModelEventKind.REGISTERED: frozenset({None}),
    ModelEventKind.FROZEN: frozenset({ModelState.REGISTERED}),
    ModelEventKind.SHADOW: frozenset({ModelState.REGISTERED}),
    ModelEventKind.CANARY: frozenset({ModelState.SHADOW}),
    ModelEventKind.STAGE: frozenset({ModelState.CANARY, ModelState.STAGED}),
    ModelEventKind.PROMOTED: frozenset({ModelState.STAGED}),
    ModelEventKind.ROLLED_BACK: CHALLENGING | {ModelState.CHAMPION},
    ModelEventKind.RETIRED: frozenset(
        {ModelState.REGISTERED, ModelState.SHADOW, ModelState.SUPERSEDED, ModelState.ROLLED_BACK}
    ),
}


@dataclass(frozen=True)
class Standing:
    """Where one model stands: since which revision and moment, serving which share, as which control arm."""

    artifact: ArtifactReference
    state: ModelState
    number: int
    since: datetime
    share: float
    arm: str | None = None


@dataclass(frozen=True)
class RecordedEvent:
    """An event with its revision's number and when the ledger recorded it."""

    number: int
    recorded_at: datetime
    event: ModelEvent


@dataclass(frozen=True)
class RegistryView:
    """What the events of a line come to; `standings` are by artifact hash."""

    line: str
    standings: Mapping[str, Standing] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    history: tuple[RecordedEvent, ...] = field(default=(), repr=False)

    @property
    def champion(self) -> Standing | None:
        """Return the model that serves what the challenger does not, None before the first promotion."""
        return self._only({ModelState.CHAMPION})

    @property
    def challenger(self) -> Standing | None:
        """Return the model in shadow, canary or a stage, None when there is none."""
        return self._only(CHALLENGING)

    @property
    def arms(self) -> Mapping[str, ArtifactReference]:
        """Return the frozen control arms by name, sorted."""
        frozen = {stands.arm: stands.artifact for stands in self.standings.values() if stands.arm is not None}
        return MappingProxyType(dict(sorted(frozen.items())))

    @property
    def predecessor(self) -> Standing | None:
        """Return the model that is champion again when the present one is rolled back."""
        waiting = [each for each in self.standings.values() if each.state is ModelState.SUPERSEDED]
        return max(waiting, key=lambda each: each.number, default=None)

    @property
    def number(self) -> int:
        """Return the number of the last revision, 0 for a line without any."""
        return self.history[-1].number if self.history else 0

    def standing(self, artifact_sha256: str) -> Standing | None:
        """Return where an artifact stands, None for one that was never registered."""
        return self.standings.get(artifact_sha256)

    def history_of(self, artifact_sha256: str) -> tuple[RecordedEvent, ...]:
        """Return the events of one artifact, in order."""
        return tuple(each for each in self.history if each.event.artifact.artifact_sha256 == artifact_sha256)

    def _only(self, states: Collection[ModelState]) -> Standing | None:
        return next((each for each in self.standings.values() if each.state in states), None)


def model_stream(line: str) -> str:
    """Return the name of the stream that holds the events of a line."""
    return f"model/{line}"


def registry_view(ledger: Ledger, line: str) -> RegistryView:
    """Return where the models of a line stand; RegistryError if what is recorded could not have happened."""
    return view_of(line, ledger.read(model_stream(line)))


def view_of(line: str, revisions: Iterable[Revision]) -> RegistryView:
    """Return what the revisions of a line's stream come to, all of them in order; RegistryError as `registry_view`."""
    view = RegistryView(line)
    for revision in revisions:
        try:
            event = _event_of(line, revision)
            _refuse_impossible(view, event)
        except RegistryError as error:
            message = f"revision {revision.number} of {revision.stream} could not have happened: {error.message}"
            raise RegistryError(message, hint="Find out who wrote it: this platform did not") from None
        view = _after(view, RecordedEvent(revision.number, revision.recorded_at, event))
    return view


def record_event(ledger: Ledger, event: ModelEvent) -> RegistryView:
    """Return the view with `event` recorded in its line: now, or before, or not at all if nothing would change.

    An event that was recorded under its event_id, and one whose model stands already where it leads, change nothing,
    however late they come. Raises TransitionRefused, ControlArmFrozen and LateModelEvent for events that cannot follow,
    and errors of the ledger. Of several processes one records; the others decide again on what it recorded.
    """
    line = event.artifact.line
    while True:
        view = registry_view(ledger, line)
        if changes_nothing(view, event):
            return view
        _refuse_impossible(view, event)
        kind, body = event.kind.value, event.to_body()
        taken = take_turn(ledger, model_stream(line), after=view.number, kind=kind, body=body, actor=event.actor)
        if taken is not None:
            return _after(view, RecordedEvent(taken.number, taken.recorded_at, event))


def changes_nothing(view: RegistryView, event: ModelEvent) -> bool:
    """Return whether the event was recorded before, or leads to where its model stands.

    Raises RegistryError for another event under an event_id that is taken.
    """
    recorded = next((each.event for each in view.history if each.event.event_id == event.event_id), None)
    if recorded is not None and recorded != event:
        raise RegistryError(f"event_id {event.event_id} is another event's", hint="Give each event an id of its own")
    stands = view.standing(event.artifact.artifact_sha256)
    leads_to = (event.artifact, _LEADS_TO[event.kind], *_served(event))
    there = stands is not None and (stands.artifact, stands.state, stands.share, stands.arm) == leads_to
    return recorded is not None or there


def _event_of(line: str, revision: Revision) -> ModelEvent:
    """Return the event of a revision, which says the same of itself inside and outside."""
    event = ModelEvent.from_body(revision.body)
    if (event.artifact.line, event.kind, event.actor) != (line, revision.kind, revision.actor):
        raise RegistryError(f"it was recorded as {revision.kind} of {line} by {revision.actor}, and says otherwise")
    return event


def _refuse_impossible(view: RegistryView, event: ModelEvent) -> None:
    """Raise unless the event may follow in the view."""
    _refuse_frozen_again(view, event)
    _refuse_late(view, event)
    stands = view.standing(event.artifact.artifact_sha256)
    state = stands.state if stands else None
    if state not in _FOLLOWS[event.kind]:
        allowed = ", ".join(sorted(each or "unknown" for each in _FOLLOWS[event.kind]))
        raise TransitionRefused(
            f"{_named(event)}: it is {state or 'not registered'}", hint=f"It must be {allowed} first"
        )
    _refuse_other_names(view, event)
    _refuse_second_challenger(view, event)
    if stands is not None and event.share is not None and event.share <= stands.share:
        raise TransitionRefused(f"{_named(event)}: it serves {stands.share} already", hint="A stage serves more")


def _refuse_late(view: RegistryView, event: ModelEvent) -> None:
    """Refuse what was decided without knowledge of the last event, which nobody knew after it was recorded only.

    A moment of decision is what somebody says: one in the far future must not keep everybody else out for ever.
    """
    if not view.history:
        return
    last, recorded_at = view.history[-1].event, view.history[-1].recorded_at
    if event.decided_at < min(last.decided_at, recorded_at):
        message = (
            f"{_named(event)} was decided at {iso(event.decided_at)}, before {last.kind} at {iso(last.decided_at)}"
        )
        raise LateModelEvent(message, hint="Look at where the line stands now, and decide again")


def _refuse_frozen_again(view: RegistryView, event: ModelEvent) -> None:
    frozen = view.arms.get(event.arm or "")
    if frozen is not None and frozen.artifact_sha256 != event.artifact.artifact_sha256:
        message = f"control arm {event.arm} of {view.line} is {frozen.name} {frozen.version} for ever"
        raise ControlArmFrozen(message, hint="Freeze another model under another name, or start a new line")


def _refuse_other_names(view: RegistryView, event: ModelEvent) -> None:
    """Refuse a name and version of two artifacts, and an artifact of two names."""
    wanted = event.artifact
    for stands in view.standings.values():
        known = stands.artifact
        same = (known.name, known.version) == (wanted.name, wanted.version)
        if same != (known.artifact_sha256 == wanted.artifact_sha256):
            message = f"{_named(event)} is registered as {known.name} {known.version} ({known.artifact_sha256[:12]})"
            raise TransitionRefused(message, hint="A name and version are one artifact's, for ever")


def _refuse_second_challenger(view: RegistryView, event: ModelEvent) -> None:
    if event.kind is ModelEventKind.SHADOW and view.challenger is not None:
        other = view.challenger.artifact
        message = f"{other.name} {other.version} challenges the champion of {view.line} already"
        raise TransitionRefused(message, hint="One challenger at a time: promote, roll back or retire that one first")


def _after(view: RegistryView, recorded: RecordedEvent) -> RegistryView:
    """Return the view after one more event, which may follow."""
    moved = {standing.artifact.artifact_sha256: standing for standing in _moves(view, recorded)}
    return RegistryView(view.line, MappingProxyType({**view.standings, **moved}), (*view.history, recorded))


def _moves(view: RegistryView, recorded: RecordedEvent) -> Iterator[Standing]:
    """Yield where the event's model stands after it, and the champion that makes way for it or comes back."""
    event, champion, before = recorded.event, view.champion, view.predecessor

    def standing(artifact: ArtifactReference, state: ModelState, share: float, arm: str | None = None) -> Standing:
        return Standing(artifact, state, recorded.number, event.decided_at, share, arm)

    if event.kind is ModelEventKind.PROMOTED and champion is not None:
        yield standing(champion.artifact, ModelState.SUPERSEDED, 0.0)
    if event.kind is ModelEventKind.ROLLED_BACK and before is not None and _is_of(champion, event):
        yield standing(before.artifact, ModelState.CHAMPION, 1.0)
    yield standing(event.artifact, _LEADS_TO[event.kind], *_served(event))


def _served(event: ModelEvent) -> tuple[float, str | None]:
    """Return which share the event's model serves after it, and as which control arm it stands."""
    full = event.kind is ModelEventKind.PROMOTED
    return (1.0 if full else event.share or 0.0), event.arm


def _is_of(standing: Standing | None, event: ModelEvent) -> bool:
    return standing is not None and standing.artifact.artifact_sha256 == event.artifact.artifact_sha256


def _named(event: ModelEvent) -> str:
    artifact = event.artifact
    return f"{event.kind} of {artifact.name} {artifact.version} ({artifact.artifact_sha256[:12]}) in {artifact.line}"
