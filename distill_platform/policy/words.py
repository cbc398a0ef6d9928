"""The closed lists of words that a world and its verdicts are written in."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """Where a run took place, which decides the profile it is judged by."""

    BACKTEST = "backtest"
    PAPER = "paper"
    LIVE = "live"


class Status(StrEnum):
    """What a rule, or all rules together, say of a run; least worrying first."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


class Severity(StrEnum):
    """What the failure of a rule means for the run."""

    BLOCKING = "blocking"
    SOFT = "soft"
    INFO = "info"


class Owner(StrEnum):
    """Who looks into a rule that did not hold."""

    QUANT = "quant"
    RISK = "risk"
    OPS = "ops"


class RecommendedStage(StrEnum):
    """How far a run may go by its verdict alone."""

    BACKTEST_ONLY = "backtest_only"
    PAPER_ONLY = "paper_only"
    PAPER_OK_LIVE_CANDIDATE = "paper_ok_live_candidate"


class GateStatus(StrEnum):
    """What a stage gate says."""

    PASS = "pass"
    WATCH = "watch"
    FAIL = "fail"
    INSUFFICIENT_OBSERVATION = "insufficient_observation"


class Approval(StrEnum):
    """Whose decision a gate waits for: a named person's, or that of two."""

    MANUAL_APPROVAL = "manual_approval"
    TWO_KEY = "two_key"


class OnTrouble(StrEnum):
    """What becomes of a rule that crashed, or that misses a metric."""

    FAIL = "fail"
    WARN = "warn"


class Tier(StrEnum):
    """How much is at stake in a world."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
