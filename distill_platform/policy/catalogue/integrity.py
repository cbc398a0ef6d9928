"""`invariants.*` and `triage.*`: whether the numbers of a run agree with each other, and what ails it."""

from __future__ import annotations

from distill_platform.policy.catalogue.metric import flags

_holds = flags("invariants", "evaluation_runs", good=True)
_ails = flags("triage", "triage", good=False)

INVARIANTS = (
    _holds("pnl_sums_match", "the profits of the trades sum to the net returns of the steps"),
    _holds("steps_add_up", "in each step, net return is gross return less fee, slippage and funding"),
    _holds("daily_matches_steps", "the engine's own days agree with its steps"),
    _holds("folds_match_steps", "the profits of the folds out of sample are those of the steps in their spans"),
    _holds("equity_reconciles", "equity compounded from steps and from days ends at the same place"),
    _holds("fee_nonzero", "a run that turned anything over paid fees"),
    _holds("friction_recorded", "99 of 100 steps that turned anything over cost something"),
    _holds("clock_monotone", "steps stand in order of time"),
    _holds("before_as_of", "nothing in the run is later than its as_of"),
    _holds("no_duplicates", "no trade, day or long block of steps stands twice"),
    _holds(
        "repro_hash_match",
        "the repro hash is that of the sealed fields, or another run that claims the same has the same numbers",
    ),
    _holds("returns_above_minus_one", "no step lost more than all of the equity"),
)
TRIAGE = (
    _ails("friction_dominates", "costs eat more than half of the gross profit, or add more than a gross loss"),
    _ails("sample_starved", "too few days or trades to say anything"),
    _ails("zero_trades", "no trade was closed"),
    _ails("no_activity", "idle on more than 95 % of days, or returns that do not vary: small losses say nothing"),
    _ails("integrity_broken", "an invariant does not hold"),
)
METRICS = INVARIANTS + TRIAGE
