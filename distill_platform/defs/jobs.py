"""Jobs: what a person, a schedule or a sensor launches as one."""

from __future__ import annotations

import dagster as dg

GROUPS = ("evidence", "scoring", "screening", "corpora", "releases", "observability")

EVALUATION_GROUPS = ("arrivals", "measuring", "selection_bias", "verdicts", "reports")

refinery_job = dg.define_asset_job(
    "refinery_job",
    selection=dg.AssetSelection.groups(*GROUPS),
    description="Traces of a day, or of a range of days, to corpora, a release and a drift report.",
)

evaluation_job = dg.define_asset_job(
    "evaluation_job",
    selection=dg.AssetSelection.groups(*EVALUATION_GROUPS),
    description="Run bundles that arrived on a day, or a range of days, to verdicts and reports.",
)
