"""Release: which runs a decision about real money may rest on. All others are shown, and counted as excluded."""

from __future__ import annotations

from dataclasses import dataclass

from distill_platform.evaluation.trials import TrialRecord
from distill_platform.policy.rules.result import RuleResult, numbers
from distill_platform.policy.words import Owner, Severity, Status
from distill_platform.strategies.bundles.manifest import RunManifest
from distill_platform.strategies.words import DataRegime, RunSource, ScoreSource

RULE = "real_data_gate"
MONITOR_ONLY = "monitor_only"
_REAL = {"run_source": RunSource.PROD, "score_source": ScoreSource.MODEL, "data_regime": DataRegime.PROD_LIVE}


@dataclass(frozen=True)
class ReleaseStanding:
    """Whether a run counts for release; `excluded` says by what it does not, such as `run_source=smoke`."""

    excluded: tuple[str, ...]

    @property
    def counts(self) -> bool:
        """Return whether the run counts."""
        return not self.excluded

    def results(self) -> tuple[RuleResult, ...]:
        """Return the warning that keeps an excluded run at paper; none for a run that counts."""
        if self.counts:
            return ()
        reason = f"monitor only, not for release: {', '.join(self.excluded)}"
        details = {**numbers(None, None, None), "excluded": list(self.excluded)}
        return (
            RuleResult(RULE, Status.WARN, Severity.SOFT, Owner.OPS, MONITOR_ONLY, reason, (MONITOR_ONLY,), details),
        )


def release_standing(run: RunManifest | TrialRecord) -> ReleaseStanding:
    """Return whether a run counts for release: one of production, scored by a model, on live production data."""
    found = {name: getattr(run, name) for name in _REAL}
    return ReleaseStanding(tuple(f"{name}={found[name].value}" for name in _REAL if found[name] is not _REAL[name]))
