"""The registry by the time of its data: where a line stood at a moment, whenever that was recorded, or is read.

A day that is made late, or again, is made by what held then: this is what the ledger's own clock cannot say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from distill_platform.models.model_event import ModelEvent
from distill_platform.models.registry import RegistryView, model_stream, view_of
from distill_platform.store.ledger import Ledger, Revision


def view_at(ledger: Ledger, line: str, moment: datetime) -> RegistryView:
    """Return where the models of a line stood at a moment, by the events that were decided until then, it included.

    RegistryError if what is recorded could not have happened.
    """
    return view_of(line, (each for each in _revisions(ledger, line) if _event(each).decided_at <= moment))


def view_before(ledger: Ledger, line: str, actor: str, as_of: datetime) -> RegistryView:
    """Return where the models of a line stand but for what `actor` recorded as of a moment, and for all after that.

    Whoever decides again at that moment sees what was seen the first time. RegistryError as `view_at`.
    """
    return view_of(line, _until(_revisions(ledger, line), lambda event: _is_own(event, actor, as_of)))


def view_then(ledger: Ledger, line: str, actor: str, as_of: datetime) -> RegistryView:
    """Return where a line stood at a moment, before `actor` recorded anything as of it. RegistryError as `view_at`."""
    before = _until(_revisions(ledger, line), lambda event: _is_own(event, actor, as_of))
    return view_of(line, (each for each in before if _event(each).decided_at <= as_of))


def events_beside(ledger: Ledger, line: str, actor: str, as_of: datetime) -> list[ModelEvent]:
    """Return all events of a line but those that `actor` recorded as of a moment."""
    events = (_event(each) for each in _revisions(ledger, line))
    return [event for event in events if not _is_own(event, actor, as_of)]


def _revisions(ledger: Ledger, line: str) -> Iterable[Revision]:
    return ledger.read(model_stream(line))


def _until(revisions: Iterable[Revision], is_last: Callable[[ModelEvent], bool]) -> Iterable[Revision]:
    for revision in revisions:
        if is_last(_event(revision)):
            return
        yield revision


def _event(revision: Revision) -> ModelEvent:
    return ModelEvent.from_body(revision.body)


def _is_own(event: ModelEvent, actor: str, as_of: datetime) -> bool:
    return event.actor == actor and event.decided_at == as_of
