"""Forward windows: what nobody has looked at yet, opened in the ledger before anything is computed on it.

A window that was looked at once is no longer out of sample for whoever chooses by what he saw. So a lineage opens it
once, with the candidates it had frozen by then. Other lineages may open it too, and a renamed lineage is another one:
therefore all candidates that ever saw a part of it, in whatever lineage, are the trials from which the best is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from distill_platform.core.config import StrictModel
from distill_platform.core.errors import ForwardWindowError, ForwardWindowSpent
from distill_platform.core.utc import from_epoch, iso
from distill_platform.store.ledger import Ledger, Revision, take_turn
from distill_platform.strategies.bundles.manifest import Identifier, Sha256

_KIND = "opened"
_NS = 1_000_000_000


class WindowRequest(StrictModel):
    """Who wants to look at which time, [start_ns, end_ns) in nanoseconds since 1970 UTC, with which candidates.

    `candidates` are hashes of sealed artifacts, sorted, none twice: what is not sealed can still be changed by what is
    seen.
    """

    start_ns: Annotated[int, Field(ge=0)]
    end_ns: Annotated[int, Field(lt=2**63)]
    lineage: Identifier
    candidates: Annotated[list[Sha256], Field(min_length=1)]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]

    @model_validator(mode="after")
    def _is_plain(self) -> Self:
        if self.start_ns >= self.end_ns:
            raise ValueError("a window must end after it starts")
        if sorted(set(self.candidates)) != self.candidates:
            raise ValueError("candidates must be sorted, none twice")
        return self

    def overlaps(self, other: WindowRequest) -> bool:
        """Return whether the two windows share a moment."""
        return self.start_ns < other.end_ns and other.start_ns < self.end_ns

    def is_same_look(self, other: WindowRequest) -> bool:
        """Return whether both are the same lineage with the same candidates on the same window."""
        return self.model_copy(update={"reason": other.reason}) == other


@dataclass(frozen=True)
class RecordedOpening:
    """One opening as the ledger has it."""

    number: int
    request: WindowRequest
    opened_at: datetime
    opened_by: str


@dataclass(frozen=True)
class Opening:
    """Leave to look. `is_repeat` says that the same look was taken before and is only resumed.

    `overlapping` are all openings of the market that share a moment with the window, this one included, whatever their
    lineage and however late they came; `candidates_seen` are their candidates, sorted.
    """

    recorded: RecordedOpening
    is_repeat: bool
    overlapping: tuple[RecordedOpening, ...]
    candidates_seen: tuple[str, ...]

    @property
    def number(self) -> int:
        """Return the number of this opening in its market."""
        return self.recorded.number

    @property
    def trials(self) -> int:
        """Return how many trials the best candidate on this window was chosen from, at least 1."""
        return len(self.candidates_seen)


def open_window(
    ledger: Ledger,
    market: str,
    *,
    start_ns: int,
    end_ns: int,
    lineage: str,
    candidates: Iterable[str],
    reason: str,
    actor: str,
) -> Opening:
    """Return leave to look at the window [start_ns, end_ns); it is in the ledger, on disk, when this returns.

    The same lineage with the same candidates on the same window resumes its opening. Raises ForwardWindowSpent when the
    lineage has opened, in any other way, a window that shares a moment with this one; ForwardWindowError for what is no
    window or no candidate; and errors of the ledger. Of several processes that open at once one is first, and the
    others meet its opening. Upper and lower case letters of `market` are the same.
    """
    request = _request(start_ns, end_ns, lineage, candidates, reason)
    while True:
        opened = openings(ledger, market)
        before = _repeated(market, request, opened)
        if before is not None:
            return _opening(before, opened, is_repeat=True)
        after = opened[-1].number if opened else 0
        body = request.model_dump(mode="json")
        taken = take_turn(ledger, _stream(market), after=after, kind=_KIND, body=body, actor=actor)
        if taken is not None:
            recorded = _recorded(taken)
            return _opening(recorded, (*opened, recorded), is_repeat=False)


def openings(ledger: Ledger, market: str) -> tuple[RecordedOpening, ...]:
    """Return all openings of a market's forward windows, in order."""
    return tuple(_recorded(revision) for revision in ledger.read(_stream(market)))


def _repeated(market: str, request: WindowRequest, opened: Iterable[RecordedOpening]) -> RecordedOpening | None:
    """Return the opening that the request repeats; ForwardWindowSpent if its lineage looked in another way."""
    own = [each for each in opened if each.request.lineage == request.lineage and each.request.overlaps(request)]
    for each in own:
        if request.is_same_look(each.request):
            return each
    if own:
        raise _spent(market, request, own[0])
    return None


def _opening(recorded: RecordedOpening, opened: Iterable[RecordedOpening], *, is_repeat: bool) -> Opening:
    overlapping = tuple(each for each in opened if each.request.overlaps(recorded.request))
    seen = sorted({candidate for each in overlapping for candidate in each.request.candidates})
    return Opening(recorded, is_repeat, overlapping, tuple(seen))


def _request(start_ns: int, end_ns: int, lineage: str, candidates: Iterable[str], reason: str) -> WindowRequest:
    named = sorted(set(candidates))
    try:
        return WindowRequest(start_ns=start_ns, end_ns=end_ns, lineage=lineage, candidates=named, reason=reason)
    except ValidationError as error:
        raise _not_a_request(error) from None


def _recorded(revision: Revision) -> RecordedOpening:
    if revision.kind != _KIND:
        raise ForwardWindowError(f"revision {revision.number} of {revision.stream} is no opening: {revision.kind}")
    try:
        request = WindowRequest.model_validate(revision.body)
    except ValidationError as error:
        message = f"revision {revision.number} of {revision.stream}: {_not_a_request(error).message}"
        raise ForwardWindowError(message, hint="Find out who wrote it: this platform did not") from None
    return RecordedOpening(revision.number, request, revision.recorded_at, revision.actor)


def _stream(market: str) -> str:
    return f"forward/{market.lower()}"


def _spent(market: str, request: WindowRequest, before: RecordedOpening) -> ForwardWindowSpent:
    opened_at = iso(before.opened_at)
    message = (
        f"lineage {request.lineage[:40]} opened {_shown(before.request)} of the market {market} at {opened_at}, "
        f"by {before.opened_by}, with {len(before.request.candidates)} candidates; {_shown(request)} is seen by now"
    )
    hint = "Judge the candidates that were opened, or wait for bars that nobody has looked at"
    return ForwardWindowSpent(message, number=before.number, opened_at=opened_at, opened_by=before.opened_by, hint=hint)


def _shown(request: WindowRequest) -> str:
    return f"{iso(from_epoch(request.start_ns / _NS))} to {iso(from_epoch(request.end_ns / _NS))}"


def _not_a_request(error: ValidationError) -> ForwardWindowError:
    detail = error.errors()[0]
    place = ".".join(map(str, detail["loc"])) or "the window"
    return ForwardWindowError(f"a forward window is wrong at {place}: {detail['msg'].removeprefix('Value error, ')}")
