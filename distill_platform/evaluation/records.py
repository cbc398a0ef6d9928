"""Records: what the evaluation tells the ledger, and reads back from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from distill_platform.core.canon import sig_hash
from distill_platform.evaluation.trials import TrialRecord
from distill_platform.policy.world import World
from distill_platform.store.ledger import Entry, Ledger

ACTOR = "evaluation"


def record_trials(ledger: Ledger, records: Iterable[TrialRecord]) -> None:
    """Tell the ledger of runs as trials, each by itself; one whose numbers come out otherwise is told again."""
    told: dict[str, list[dict[str, Any]]] = {}
    entries = []
    for record in records:
        stream, body = trial_stream(record.cohort_id), record.to_body()
        if stream not in told:
            told[stream] = [revision.body for revision in ledger.read(stream)]
        earlier = [one for one in told[stream] if one["run_id"] == record.run_id]
        if not earlier or earlier[-1] != body:
            entries.append(_entry(stream, "trial", body, f"{len(earlier) + 1}:"))
    ledger.append_all(entries)


def recorded_trials(ledger: Ledger, cohort_id: str) -> list[TrialRecord]:
    """Return the trials of a cohort by run_id, each as it was last recorded, whatever others say of it."""
    latest = {(body := revision.body)["run_id"]: body for revision in ledger.read(trial_stream(cohort_id))}
    return [TrialRecord.from_body(latest[run_id]) for run_id in sorted(latest)]


def record_world(ledger: Ledger, world: World) -> None:
    """Tell the ledger of the policy that is about to judge."""
    body = {"version": world.version, "ruleset_hash": world.ruleset_hash, "policy": world.canonical()}
    ledger.append(Entry(f"policy/{world.world_id}", world.ruleset_hash, "world_policy", body, ACTOR))


def recorded_policies(ledger: Ledger, world_id: str) -> list[dict[str, Any]]:
    """Return the bodies of every policy that ever judged in a world, in the order of the ledger."""
    return [revision.body for revision in ledger.read(f"policy/{world_id}")]


def record_evaluations(ledger: Ledger, bodies: Sequence[Mapping[str, Any]]) -> None:
    """Tell the ledger of verdicts: the same as the latest of a run adds nothing, another one is its next revision."""
    entries = []
    for body in bodies:
        stream = evaluation_stream(body["world_id"], body["strategy_id"], body["run_id"])
        latest = ledger.latest(stream)
        if latest is None or latest.body != body:
            number = 1 if latest is None else latest.number + 1
            entries.append(_entry(stream, "evaluation", body, f"{number}:"))
    ledger.append_all(entries)


def recorded_evaluations(ledger: Ledger, world_id: str, strategy_id: str) -> list[dict[str, Any]]:
    """Return the verdicts on the runs of a strategy in a world: of each run the last one under each ruleset."""
    streams = ledger.streams(evaluation_stream(world_id, strategy_id, ""))
    told = {
        (stream, (body := revision.body)["validation"]["ruleset_hash"]): body
        for stream in streams
        for revision in ledger.read(stream)
    }
    return list(told.values())


def evaluation_stream(world_id: str, strategy_id: str, run_id: str) -> str:
    """Return the stream of all verdicts on one run."""
    return f"evaluation/{world_id}/{strategy_id}/{run_id}"


def trial_stream(cohort_id: str) -> str:
    """Return the stream of all trials of a cohort."""
    return f"trial/{cohort_id}"


def _entry(stream: str, kind: str, body: Mapping[str, Any], prefix: str = "") -> Entry:
    return Entry(stream, f"{prefix}{sig_hash(dict(body))}", kind, dict(body), ACTOR)
