"""Evaluation: run bundles in, judged for integrity first, measured, held against their worlds, and reported on.

Stages that read the same things are made in one go; each is an asset of its own all the same.
"""

from distill_platform.defs.assets.rooms import EVALUATION
from distill_platform.defs.assets.stage import stage_assets

run_bundles = stage_assets(EVALUATION, "run_bundles", group="arrivals", laws=("sealed",), advisory=("nothing_refused",))
measured = stage_assets(
    EVALUATION,
    "evaluation_runs",
    "evaluation_metrics",
    "walk_forward",
    "stress_tests",
    "triage",
    group="measuring",
    laws=("integrity",),
    advisory=("nothing_broken",),
)
cohorts = stage_assets(
    EVALUATION,
    "overfitting_controls",
    "portfolio_fit",
    "node_contributions",
    group="selection_bias",
    laws=("honest_n",),
)
verdicts = stage_assets(
    EVALUATION, "rule_results", "stage_gates", group="verdicts", laws=("fail_closed",), advisory=("no_gaming",)
)
evaluation_reports = stage_assets(
    EVALUATION, "evaluation_reports", group="reports", kinds=("python", "html", "markdown"), laws=("reports_whole",)
)
