"""Words that commands and manifests take, in a module that costs nothing to import."""

from __future__ import annotations

from enum import StrEnum


class Ablate(StrEnum):
    """Which variants run besides the strategies themselves: without groups of nodes, without single ones, or both."""

    NONE = "none"
    GROUPS = "groups"
    NODES = "nodes"
    ALL = "all"


class RunSource(StrEnum):
    """Who started a run."""

    PROD = "prod"
    MAINTENANCE = "maintenance"
    SMOKE = "smoke"
    ASYNC_TEST = "async_test"


class ScoreSource(StrEnum):
    """What made the scores that were traded on."""

    MODEL = "model"
    HEURISTIC = "heuristic"
    MANUAL = "manual"


class DataRegime(StrEnum):
    """What kind of data a run saw."""

    PROD_LIVE = "prod_live"
    MAINTENANCE_REPLAY = "maintenance_replay"
    MIXED = "mixed"
