"""The pipeline of models: features and serving by day, training and promotion by week. Declared once for both doors."""

from __future__ import annotations

from collections.abc import Sequence

from distill_platform.models.stage import Models, code_version
from distill_platform.models.stages.confirming import confirm_weeks
from distill_platform.models.stages.features import make_features
from distill_platform.models.stages.fitting import blend_ensembles, freeze_baselines, train_students, train_teachers
from distill_platform.models.stages.framing import frame_weeks
from distill_platform.models.stages.promoting import promotion_weeks
from distill_platform.models.stages.running import run_weeks
from distill_platform.models.stages.searching import search_weeks
from distill_platform.models.stages.serving import serve_days
from distill_platform.store.stages import Pipeline, Stage, refuse_failed, steps

_FRAME = ("training_frame",)
_TAUGHT = ("training_frame", "tabular_teacher")
_BLENDED = ("training_frame", "tabular_teacher", "tsmixer_student")
_ENTERED = ("training_frame", "frozen_baseline", "tabular_teacher", "ensemble", "hpo_refinement")
_RUN = ("frozen_baseline", "tabular_teacher", "ensemble", "hpo_confirmation")

FEATURES: tuple[Stage[Models], ...] = (
    Stage("features", ("market_bars", "events"), make_features, "What could be known at the end of every bar."),
)

TRAINING: tuple[Stage[Models], ...] = (
    Stage("training_frame", ("features", "market_bars"), frame_weeks, "Features with what came after, by the clock."),
    Stage("frozen_baseline", _FRAME, freeze_baselines, "Two plain models on bars alone, fitted once and never again."),
    Stage("tabular_teacher", _FRAME, train_teachers, "Trees, scored out of fold, beside labels shuffled in blocks."),
    Stage("tsmixer_student", _TAUGHT, train_students, "A network over sequences, taught out of fold."),
    Stage("ensemble", _BLENDED, blend_ensembles, "Each model alone and both blended, by weights found on other folds."),
    Stage("hpo_search", _FRAME, search_weeks, "A wide and cheap search of the trees' parameters."),
    Stage("hpo_refinement", ("training_frame", "hpo_search"), search_weeks, "A closer search around the best of it."),
    Stage("hpo_confirmation", _ENTERED, confirm_weeks, "The frozen candidates, once, on a window opened for them."),
    Stage("model_runs", _RUN, run_weeks, "Every model's run, handed in to be judged like any strategy."),
)

SEARCH = tuple(stage for stage in TRAINING if stage.name in ("hpo_search", "hpo_refinement"))

PROMOTION: tuple[Stage[Models], ...] = (
    Stage("promotion_report", ("model_runs",), promotion_weeks, "Who has earned to be tried, and why others have not."),
)

DAILY_MODELS: tuple[Stage[Models], ...] = (
    Stage("predictions", ("features", "events"), serve_days, "What each model said, made of what, and who decided."),
    Stage(
        "model_rollout",
        ("predictions", "features", "market_bars"),
        serve_days,
        "How models do that serve or challenge, and what follows: a review, a step up, or the way back.",
    ),
)

PIPELINE = Pipeline((*FEATURES, *TRAINING, *PROMOTION, *DAILY_MODELS), code_version)


def run_stages(models: Models, stages: Sequence[Stage[Models]], partitions: Sequence[str], run_id: str) -> None:
    """Run some stages over partitions. Raises GateRefused as soon as a stage's own blocking checks do not hold."""
    for step in steps(stages):
        refuse_failed(PIPELINE.run_step(models, step, partitions, run_id).manifests)
