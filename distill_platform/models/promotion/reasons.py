"""Reasons: what a promotion can be refused for, each with a code for programs and a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ReasonCode(StrEnum):
    """Why a candidate is refused."""

    CANDIDATE_RUN_MISSING = "candidate_run_missing"
    CANDIDATE_RUNS_DISAGREE = "candidate_runs_disagree"
    TOO_FEW_ARMS = "too_few_arms"
    ARM_RUN_MISSING = "arm_run_missing"
    ARM_RUNS_DISAGREE = "arm_runs_disagree"
    CANDIDATE_IS_ARM = "candidate_is_arm"
    MODEL_MISMATCH = "model_mismatch"
    POLICY_MISMATCH = "policy_mismatch"
    SCHEMA_MISMATCH = "schema_mismatch"
    FEATURE_VERSION_MISMATCH = "feature_version_mismatch"
    DATA_VERSION_MISMATCH = "data_version_mismatch"
    LINEAGE_MISMATCH = "lineage_mismatch"
    ONLINE_CONTRACT_UNKNOWN = "online_contract_unknown"
    WINDOW_MISSING = "window_missing"
    WINDOWS_DIFFER = "windows_differ"
    WINDOWS_OVERLAP = "windows_overlap"
    IN_SAMPLE = "in_sample"
    TOO_FEW_DAYS = "too_few_days"
    NOT_A_NUMBER = "not_a_number"
    LOSES_MONEY = "loses_money"
    NOT_BETTER_THAN_ARM = "not_better_than_arm"
    NOT_SURE_ENOUGH = "not_sure_enough"
    WORSE_DRAWDOWN = "worse_drawdown"
    VERDICT_MISSING = "verdict_missing"
    VERDICT_NOT_PASSED = "verdict_not_passed"
    GATE_NOT_OPEN = "gate_not_open"
    NOT_FOR_RELEASE = "not_for_release"
    FINDINGS_MISSING = "findings_missing"
    NOT_SIGNIFICANT = "not_significant"
    CAUSALITY_LEAK = "causality_leak"
    SUSPICIOUS_FEATURE = "suspicious_feature"
    TEACHER_NOT_PROVEN = "teacher_not_proven"
    FORWARD_NOT_OPENED = "forward_not_opened"
    NOT_FROZEN_BEFORE_OPENING = "not_frozen_before_opening"
    TRIALS_UNKNOWN = "trials_unknown"
    TRIALS_UNDERSTATED = "trials_understated"


Observed = float | int | str | None


@dataclass(frozen=True)
class Reason:
    """One thing that stands in a promotion's way; `observed` and `threshold` are None where there is no such value."""

    code: ReasonCode
    sentence: str
    observed: Observed = None
    threshold: Observed = None

    def to_dict(self) -> dict[str, Any]:
        """Return the reason as a JSON value; a number that is not finite is null."""
        found = {"observed": finite(self.observed), "threshold": finite(self.threshold)}
        return {"code": self.code.value, "sentence": self.sentence, **found}


def finite(value: Observed) -> Observed:
    """Return a value that JSON can hold: None for NaN and infinities, anything else as it is."""
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
