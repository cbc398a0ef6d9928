"""Words that commands take, in a module that costs nothing to import."""

from __future__ import annotations

from enum import StrEnum


class Ablate(StrEnum):
    """Which variants run besides the strategies themselves: without groups of nodes, without single ones, or both."""

    NONE = "none"
    GROUPS = "groups"
    NODES = "nodes"
    ALL = "all"
