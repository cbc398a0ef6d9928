"""Jobs: what a person, a schedule or a sensor launches as one."""

from __future__ import annotations

import dagster as dg

GROUPS = ("evidence", "scoring", "screening", "corpora", "releases", "observability")

EVALUATION_GROUPS = ("arrivals", "measuring", "selection_bias", "verdicts", "reports")

FEED_GROUPS = ("feeds", "health", "events")

MODEL_GROUPS = ("training", "search", "promotion")

SERVING_GROUPS = ("serving",)

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

feeds_job = dg.define_asset_job(
    "feeds_job",
    selection=dg.AssetSelection.groups(*FEED_GROUPS) | dg.AssetSelection.assets("features"),
    description="Bars and reports of a day, or of a range of days, to events and features.",
)

models_job = dg.define_asset_job(
    "models_job",
    selection=(dg.AssetSelection.groups(*MODEL_GROUPS) | dg.AssetSelection.assets("training_frame"))
    - dg.AssetSelection.assets("promotion_report"),
    description="A week's frame to models, a search, and runs that wait to be judged.",
)

promotion_job = dg.define_asset_job(
    "promotion_job",
    selection=dg.AssetSelection.assets("promotion_report"),
    description="Who of a week's models has earned to be tried, once the world has judged their runs.",
)

serving_job = dg.define_asset_job(
    "serving_job",
    selection=dg.AssetSelection.groups(*SERVING_GROUPS),
    description="What the models said of a day, or of a range of days, how they did, and what follows from it.",
)
