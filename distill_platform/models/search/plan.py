"""Plan: all that a list of trials depends on, and so all that must be the same for a search to go on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

from distill_platform.core import canon
from distill_platform.models.search.objective import ObjectiveSettings
from distill_platform.models.search.settings import BatchSettings, PruningSettings
from distill_platform.models.search.space import Parameters, SearchSpace

_FORMAT = 1


@dataclass(frozen=True)
class SearchPlan:
    """All that the list of trials depends on. `starts` are points that are tried first, in order.

    `lineage_id` is that of the evaluation. The version of the sampler belongs to it: another one asks for other points.
    """

    space: SearchSpace
    objective: ObjectiveSettings
    pruning: PruningSettings
    batches: BatchSettings
    seed: int
    lineage_id: str
    starts: tuple[Parameters, ...] = ()
    parent_sha256: str | None = None

    def batch_of(self, number: int) -> int:
        """Return the batch that a trial belongs to."""
        return number // self.batches.batch_size

    def numbers_of(self, batch: int) -> range:
        """Return the numbers of the trials of a batch; the last batch may be a shorter one."""
        first = batch * self.batches.batch_size
        return range(first, min(first + self.batches.batch_size, self.batches.trials))

    @property
    def n_batches(self) -> int:
        """Return how many batches there are."""
        return -(-self.batches.trials // self.batches.batch_size)

    @cached_property
    def header(self) -> dict[str, Any]:
        """Return what stands at the top of the file of trials, a JSON value."""
        return {
            "format": _FORMAT,
            "sampler": f"tpe, optuna {version('optuna')}, numpy {version('numpy')}",
            "seed": self.seed,
            "batches": self.batches.model_dump(mode="json"),
            "pruning": self.pruning.model_dump(mode="json"),
            "space_sha256": self.space.sha256(),
            "objective_sha256": canon.sig_hash(self.objective.model_dump(mode="json")),
            "starts_sha256": canon.sig_hash(list(self.starts)),
            "lineage_id": self.lineage_id,
            "parent_sha256": self.parent_sha256,
        }

    @cached_property
    def sha256(self) -> str:
        """Return the hash of the header: what makes it this search and no other."""
        return canon.sig_hash(self.header)
