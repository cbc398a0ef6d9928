"""The shape of a row in each stream: twelve systems, twelve ways to name and nest the same things."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

from distill_platform.refinery.sample.dice import Dice

Row = dict[str, object]

_HEX = "0123456789abcdef"
_MODELS = ("marten-32b", "marten-7b", "osprey-70b", "osprey-13b", "wren-3b")
_REVERTING = ("build_red_reverted", "test_red_reverted", "lint_red_reverted", "warnings_grew_reverted")
_CLAUSES = ("idempotent_submit", "stable_error_codes", "pagination", "clock_in_utc", "auth_required", "retry_after")


@dataclass(frozen=True)
class Entry:
    """All that a row has to say, ready to be put into the shape of its stream."""

    outcome: str
    task_id: str
    prompt: str
    file: str
    text: str
    moment: datetime
    dice: Dice

    def identity(self, prefix: str) -> str:
        """A run id in the manner of the stream."""
        return f"{prefix}-{self.moment:%m%d}-{self.dice.token(_HEX, 10)}"


def zulu(moment: datetime) -> str:
    """2026-04-20T09:30:00.125Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def offset(moment: datetime, minutes: int) -> str:
    """The same instant on a clock that is so many minutes ahead of UTC."""
    return moment.astimezone(timezone(timedelta(minutes=minutes))).isoformat(timespec="milliseconds")


def _scrum_review(entry: Entry) -> Row:
    attempt = {"attempt_1": 1, "attempt_2_3": entry.dice.between(2, 3), "attempt_4": entry.dice.between(4, 6)}
    return {
        "review_id": entry.identity("scrum"),
        "task": entry.task_id,
        "file": entry.file,
        "reviewed_at": zulu(entry.moment),
        "reviewer_model": entry.dice.pick(_MODELS),
        "accepted_on_attempt": attempt[entry.outcome],
        "tokens": {"in": entry.dice.between(900, 9000), "out": entry.dice.between(80, 600)},
        "elapsed_ms": entry.dice.between(1500, 60000),
        "cost_usd": round(entry.dice.fraction() / 20, 5),
        "prompt": entry.prompt,
        "review": entry.text,
    }


def _audit(entry: Entry) -> Row:
    return {
        "finding_id": entry.identity("find"),
        "phase": f"phase-{entry.dice.between(20, 44)}",
        "task_ref": entry.task_id,
        "severity": entry.outcome,
        "topic": entry.task_id.partition("/")[0],
        "ts": zulu(entry.moment) if entry.dice.fraction() < 0.7 else offset(entry.moment, 120),
        "auditor": entry.dice.pick(_MODELS),
        "question": entry.prompt,
        "evidence": entry.text,
        "resolution": entry.dice.pick(("open", "fixed", "accepted")),
    }


def _observer_review(entry: Entry) -> Row:
    return {
        "observed_at": offset(entry.moment, 120),
        "observer": entry.dice.pick(_MODELS),
        "request": entry.prompt,
        "review": {
            "id": entry.identity("obs"),
            "target_task": entry.task_id,
            "verdict": entry.outcome,
            "confidence": entry.dice.between(55, 99),
            "answer": entry.text,
        },
    }


def _contract_analysis(entry: Entry) -> Row:
    clauses = entry.dice.shuffled(_CLAUSES)
    failed = clauses[:2] if entry.outcome == "failed" else []
    return {
        "analysis_id": entry.identity("contract"),
        "created": offset(entry.moment, 0),
        "contract": {"name": "submit-api/v3", "task": entry.task_id},
        "clauses": {"passed": clauses[2:], "failed": failed},
        "observer": {"verdict": "accept"},
        "model": entry.dice.pick(_MODELS),
        "cost": round(entry.dice.fraction() / 5, 5),
        "question": entry.prompt,
        "analysis": entry.text,
    }


def _mode_experiment(entry: Entry) -> Row:
    slow = entry.outcome == "slow"
    row: Row = {
        "run": entry.identity("mode"),
        "mode": entry.dice.pick(("bare", "retrieval", "retrieval_and_matrix", "pathway")),
        "task_id": entry.task_id,
        "started_at": offset(entry.moment, entry.dice.pick((0, 120, -300, 330))),
        "model": entry.dice.pick(_MODELS),
        "user_message": entry.prompt,
        "response": entry.text,
        "timing": {"latency_ms": entry.dice.between(120500, 300000) if slow else entry.dice.between(900, 110000)},
        "usage": {"prompt": entry.dice.between(400, 8000), "completion": entry.dice.between(0, 500)},
        "checks": _checks(entry),
    }
    if entry.outcome == "empty" and entry.dice.fraction() < 0.4:
        del row["response"]
    return row


def _checks(entry: Entry) -> Row:
    percent = {"grounded": (80, 100), "slow": (80, 100), "partly_grounded": (50, 79), "not_grounded": (0, 49)}
    citations: Row = {"citations": entry.dice.between(0, 9)}
    if entry.outcome not in percent:
        return citations
    return {"grounded_fraction": entry.dice.between(*percent[entry.outcome]) / 100} | citations


def _auto_apply(entry: Entry) -> Row:
    actions = {
        "committed": ("committed",),
        "reverted": _REVERTING,
        "other": ("no_patch", "proposer_error", "dry_run"),
    }
    return {
        "patch_id": entry.identity("patch"),
        "applied_ms": int(entry.moment.timestamp() * 1000),
        "for_task": entry.task_id,
        "file": entry.file,
        "action": entry.dice.pick(actions[entry.outcome]),
        "agent": entry.dice.pick(_MODELS),
        "lines": {"added": entry.dice.between(1, 80), "removed": entry.dice.between(0, 60)},
        "patch_note": entry.text,
    }


def _outcome(entry: Entry) -> Row:
    return {
        "outcome_id": entry.identity("run"),
        "created_at": zulu(entry.moment),
        "task": entry.task_id,
        "executor": entry.dice.pick(_MODELS),
        "events": {"total": entry.dice.between(3, 40), "all_ok": entry.outcome == "all_ok"},
        "gap_signals": entry.dice.between(1, 5) if entry.outcome == "gaps" else 0,
        "summary": entry.text,
    }


def _fact(entry: Entry) -> Row:
    return {
        "extraction": entry.identity("fact"),
        "about": {"task": entry.task_id, "file": entry.file},
        "extracted_at": zulu(entry.moment),
        "extractor": entry.dice.pick(_MODELS),
        "fact": entry.text,
    }


def _procedure(entry: Entry) -> Row:
    return {
        "procedure_id": entry.identity("proc"),
        "task": entry.task_id,
        "distilled_at": offset(entry.moment, 120),
        "model": entry.dice.pick(_MODELS),
        "steps": entry.text,
    }


def _hint(entry: Entry) -> Row:
    return {
        "hint_id": entry.identity("hint"),
        "task_key": entry.task_id,
        "time": zulu(entry.moment),
        "by": entry.dice.pick(_MODELS),
        "hint": entry.text,
    }


def _audit_fact(entry: Entry) -> Row:
    return {
        "fact_run": entry.identity("afact"),
        "change": {
            "number": entry.dice.between(100, 900),
            "head": entry.dice.token(_HEX, 12),
            "task_id": entry.task_id,
        },
        "extracted_at": offset(entry.moment, -300),
        "models": {"extractor": entry.dice.pick(_MODELS), "verifier": entry.dice.pick(_MODELS)},
        "summary": entry.text,
    }


def _escalation(entry: Entry) -> Row:
    return {
        "raised_at": offset(entry.moment, 120),
        "escalation": {
            "id": entry.identity("esc"),
            "task": entry.task_id,
            "model": entry.dice.pick(_MODELS),
            "cluster": entry.dice.between(2, 12),
        },
        "analysis": entry.text,
    }


SHAPES: Mapping[str, Callable[[Entry], Row]] = MappingProxyType(
    {
        "scrum_reviews": _scrum_review,
        "audits": _audit,
        "observer_reviews": _observer_review,
        "contract_analyses": _contract_analysis,
        "mode_experiments": _mode_experiment,
        "auto_apply": _auto_apply,
        "outcomes": _outcome,
        "distilled_facts": _fact,
        "distilled_procedures": _procedure,
        "distilled_config_hints": _hint,
        "audit_facts": _audit_fact,
        "observer_escalations": _escalation,
    }
)
