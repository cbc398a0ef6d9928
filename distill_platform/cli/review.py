"""`distill review`: what waits for a named person's decision, and the decision."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from distill_platform.cli.console import JsonOption, out, plain, print_json
from distill_platform.cli.places import ConfigOption, Places, ledger_location
from distill_platform.core.utc import iso

if TYPE_CHECKING:
    from distill_platform.governance.review_state import RecordedDecision, ReviewState
    from distill_platform.store.ledger import Ledger

app = typer.Typer(help="What is recommended, and the decisions of named people on it.", no_args_is_help=True)

ReviewArgument = Annotated[str, typer.Argument(metavar="ID", help="The review, as `distill review list` names it.")]
PersonOption = Annotated[str, typer.Option("--as", metavar="PERSON", help="Who decides: one of its approvers.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why. It is kept for ever.")]
SeenOption = Annotated[
    str | None,
    typer.Option("--seen", metavar="SHA256", help="The hash that `show` gave; with other evidence nothing is decided."),
]
_STYLES = {"approved": "green", "rejected": "bold red", "deferred": "yellow", "awaiting": "cyan"}


@app.callback()
def _review() -> None:
    """What is recommended, and the decisions of named people on it."""


@app.command("list")
def list_reviews(
    everything: Annotated[bool, typer.Option("--all", help="Those that are decided, too.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what waits for a decision, the newest first."""
    from distill_platform.governance.reviews import reviews

    with _ledger(config) as ledger:
        found = [state for state in reviews(ledger) if everything or state.status in ("awaiting", "deferred")]
    if as_json:
        print_json({"reviews": [_document(state) for state in found]})
    elif found:
        _print_list(out(), found)
    else:
        out().print(Text("nothing waits for a decision"))


@app.command("show")
def show(review: ReviewArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show what is recommended, on which evidence, and what was decided on it."""
    from distill_platform.governance.reviews import review_state

    with _ledger(config) as ledger:
        state = review_state(ledger, _named(review))
    _print(state, as_json=as_json)


@app.command("approve", epilog="Exit codes: 0 recorded, or recorded before, 1 not this person or not now, 2 bad usage.")
def approve(
    review: ReviewArgument,
    who: PersonOption,
    reason: ReasonOption,
    seen: SeenOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve it. It happens once as many people as are needed have."""
    from distill_platform.governance import reviews

    _decide(reviews.approve, review, who, reason, seen, config, as_json=as_json)


@app.command("reject", epilog="Exit codes: 0 recorded, or recorded before, 1 not this person or not now, 2 bad usage.")
def reject(
    review: ReviewArgument,
    who: PersonOption,
    reason: ReasonOption,
    seen: SeenOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reject it, for ever."""
    from distill_platform.governance import reviews

    _decide(reviews.reject, review, who, reason, seen, config, as_json=as_json)


@app.command("defer", epilog="Exit codes: 0 recorded, or recorded before, 1 not this person or not now, 2 bad usage.")
def defer(
    review: ReviewArgument,
    who: PersonOption,
    reason: ReasonOption,
    seen: SeenOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put it off; an approval of one's own is taken back."""
    from distill_platform.governance import reviews

    _decide(reviews.defer, review, who, reason, seen, config, as_json=as_json)


def _decide(
    verb: Callable[..., ReviewState],
    review: str,
    who: str,
    reason: str,
    seen: str | None,
    config: Any,
    *,
    as_json: bool,
) -> None:
    with _ledger(config) as ledger:
        state = verb(ledger, _named(review), who, reason, seen=seen)
    _print(state, as_json=as_json)


@contextmanager
def _ledger(config: Any) -> Iterator[Ledger]:
    from distill_platform.store.ledger import open_ledger

    url, anchors = ledger_location(Places(config=config))
    with open_ledger(url, clock=lambda: datetime.now(UTC), anchors=anchors) as ledger:
        yield ledger


def _named(review: str) -> str:
    """Return the name of a review; one that no stream could have is bad usage, like one that there is not."""
    from distill_platform.core.errors import EntryRefused, ReviewMissing
    from distill_platform.store.ledger.streams import check_stream

    try:
        check_stream(f"recommendation/{review}")
    except EntryRefused:
        hint = "`distill review list` names all there are"
        raise ReviewMissing(f"{ascii(review)[:160]} is not the name of a review", hint=hint) from None
    return review


def _document(state: ReviewState) -> dict[str, Any]:
    return {
        "id": state.id,
        "status": state.status.value,
        "sha256": state.recommendation.sha256,
        "proposed_by": state.proposed_by,
        "proposed_at": iso(state.proposed_at),
        "recommendation": state.recommendation.to_body(),
        "decisions": [_decided(each) for each in state.decisions],
        "expired": [_decided(each) for each in state.expired],
    }


def _decided(recorded: RecordedDecision) -> dict[str, str]:
    decision = recorded.decision
    moment = iso(recorded.recorded_at)
    return {"decision": decision.verb.value, "by": decision.actor, "at": moment, "reason": decision.reason}


def _print_list(console: Console, found: list[ReviewState]) -> None:
    """Print two lines a review, its name whole: it is what the other commands ask for."""
    for state in found:
        status = (state.status.value, _STYLES[state.status])
        since = f", {_keys(state)} keys turned, since {iso(state.proposed_at)}"
        console.print(Text.assemble((state.id, "bold"), "  ", status, since))
        console.print(Text(f"    {plain(state.recommendation.summary)}", style="dim"))


def _keys(state: ReviewState) -> str:
    return f"{len(state.approvals)} of {state.recommendation.keys_needed}"


def _print(state: ReviewState, *, as_json: bool) -> None:
    if as_json:
        print_json(_document(state))
        return
    console, wanted = out(), state.recommendation
    status = (state.status.value, _STYLES[state.status])
    console.print(Text.assemble((state.id, "bold"), ": ", status, f", {_keys(state)} keys turned"))
    console.print(Text(plain(wanted.summary)))
    subject = ", ".join(f"{name} {value}" for name, value in sorted(wanted.subject.items()))
    console.print(Text(plain(f"  subject    {subject}")))
    console.print(Text(plain(f"  proposed   by {state.proposed_by} at {iso(state.proposed_at)}")))
    console.print(Text(plain(f"  approvers  {', '.join(wanted.approvers) or 'nobody: the world names none'}")))
    console.print(Text(f"  sha256     {wanted.sha256}"))
    for name, value in wanted.evidence.items():
        console.print(Text(plain(f"  evidence   {name}: {json.dumps(value, ensure_ascii=False)}")))
    _print_decisions(console, state)


def _print_decisions(console: Console, state: ReviewState) -> None:
    for expired, each in [*((True, one) for one in state.expired), *((False, one) for one in state.decisions)]:
        found = _decided(each)
        line = f" by {found['by']} at {found['at']}: {found['reason']}{' (on earlier evidence)' if expired else ''}"
        console.print(Text.assemble("  ", (found["decision"], _STYLES[found["decision"]]), plain(line)))
