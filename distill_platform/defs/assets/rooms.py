"""Rooms: the pipelines behind the assets."""

from distill_platform.defs.assets.stage import Room
from distill_platform.evaluation.pipeline import PIPELINE as EVALUATING
from distill_platform.feeds.pipeline import PIPELINE as FEEDING
from distill_platform.models.pipeline import PIPELINE as MODELLING
from distill_platform.refinery.pipeline import PIPELINE as REFINING

REFINERY = Room(REFINING, "refinery", "team:refinery")
EVALUATION = Room(EVALUATING, "evaluation", "team:evaluation")
FEEDS = Room(FEEDING, "feeds", "team:feeds")
MODELS = Room(MODELLING, "models", "team:models")
