"""`gaming.*`: signs that a gate was worked rather than passed."""

from __future__ import annotations

from distill_platform.policy.catalogue.metric import flags

_sign = flags("gaming", "overfitting_controls", good=False)

METRICS = (
    _sign("supersede_to_pass", "failing runs were superseded until one passed"),
    _sign("cost_change", "the costs of the run are below those of earlier runs of the cohort or of the world"),
    _sign("threshold_change_after_failure", "the policy was loosened after a failure that it now lets pass"),
    _sign("duplicate_evidence", "the same numbers were handed in more than once under different names"),
    _sign("pass_by_inactivity", "thresholds hold only because hardly anything was traded"),
)
