"""Models: features by day; training, search and promotion by week. Heavy libraries load when a stage runs."""

from distill_platform.defs.assets.rooms import MODELS
from distill_platform.defs.assets.stage import stage_assets
from distill_platform.defs.partitions import WEEKLY

features = stage_assets(MODELS, "features", group="features", laws=("online_equals_offline",))
training_frame = stage_assets(
    MODELS, "training_frame", group="features", advisory=("knows_no_future",), partitions=WEEKLY
)
frozen_baseline = stage_assets(MODELS, "frozen_baseline", group="training", laws=("out_of_fold",), partitions=WEEKLY)
tabular_teacher = stage_assets(MODELS, "tabular_teacher", group="training", laws=("out_of_fold",), partitions=WEEKLY)
tsmixer_student = stage_assets(MODELS, "tsmixer_student", group="training", laws=("out_of_fold",), partitions=WEEKLY)
ensemble = stage_assets(MODELS, "ensemble", group="training", laws=("out_of_fold",), partitions=WEEKLY)
hpo_search = stage_assets(MODELS, "hpo_search", group="search", partitions=WEEKLY)
hpo_refinement = stage_assets(MODELS, "hpo_refinement", group="search", partitions=WEEKLY)
hpo_confirmation = stage_assets(MODELS, "hpo_confirmation", group="search", partitions=WEEKLY)
model_runs = stage_assets(MODELS, "model_runs", group="promotion", partitions=WEEKLY)
promotion_report = stage_assets(MODELS, "promotion_report", group="promotion", laws=("fail_closed",), partitions=WEEKLY)
serving = stage_assets(
    MODELS,
    "predictions",
    "model_rollout",
    group="serving",
    laws={"predictions": ("one_decides", "sums")},
    advisory={"model_rollout": ("no_rollback",)},
)
