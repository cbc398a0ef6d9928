"""Settings of a search: the section `search` of a model line."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, FiniteFloat

from distill_platform.core.config import StrictModel
from distill_platform.models.search.objective import ObjectiveSettings
from distill_platform.models.search.space import SearchSpace

_LARGEST_SEED = 2**32 - 1


class PruningSettings(StrictModel):
    """Rungs that a trial climbs, and the share of a batch that goes on from each but the last; 1 prunes nothing."""

    rungs: Annotated[int, Field(ge=1, le=16)] = 3
    keep: Annotated[FiniteFloat, Field(gt=0, le=1)] = 0.5


class BatchSettings(StrictModel):
    """How many trials one stage runs, how many are asked for at once, and how many are drawn at random to begin with.

    The size of a batch is part of the search, and the number of workers is not: trials of one batch do not know of each
    other's results, so that it does not matter which of them comes first.
    """

    trials: Annotated[int, Field(ge=1, le=100_000)] = 64
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 8
    startup_trials: Annotated[int, Field(ge=1)] = 16


class SearchSettings(StrictModel):
    """The whole search: its space, what counts as good, and its three stages.

    `candidates` go from the search to the refinement, which looks around them as well (`margin`, a share of each
    range), and `finalists` from there to the confirmation, which looks at each of them once.
    """

    space: SearchSpace
    objective: ObjectiveSettings = ObjectiveSettings()
    pruning: PruningSettings = PruningSettings()
    search: BatchSettings = BatchSettings()
    refinement: BatchSettings = BatchSettings(trials=32, startup_trials=8)
    seed: Annotated[int, Field(ge=0, le=_LARGEST_SEED)] = 7
    candidates: Annotated[int, Field(ge=1, le=256)] = 8
    finalists: Annotated[int, Field(ge=1, le=64)] = 3
    margin: Annotated[FiniteFloat, Field(ge=0, le=1)] = 0.1
