"""Days: what can be read of a line's days, what did not hold there, and what nobody can say before it is made again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.errors import CorruptDataset, FrameError, LakeError, StaleInput
from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.models.frame_building import join_frames
from distill_platform.models.frames import FeatureFrame
from distill_platform.models.line import ModelLine
from distill_platform.models.predictions.schema import PREDICTIONS
from distill_platform.models.stage import Models
from distill_platform.models.stages.reading import features_of
from distill_platform.store.lake import ABSENT, Dataset, Input, Manifest
from distill_platform.store.lake.publishing import as_input
from distill_platform.store.lake.tables import rows_of

T = TypeVar("T")

SEEN = pa.schema([PREDICTIONS.field(name) for name in ("line", "symbol", "ts", "score", "weight", "artifact_sha256")])
"""The columns of PREDICTIONS that a rollout looks at."""


@dataclass(frozen=True, eq=False)
class Read(Generic[T]):
    """What a partition held; None where its gates did not hold, which are named, or where nobody can say.

    `unknown` says why nobody can: it was never made, or what it was made from has changed since. Made again, it says
    something; until then it speaks neither for a model nor against it.
    """

    found: T | None = field(default=None, repr=False)
    failed_gates: tuple[str, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, eq=False)
class Predicted:
    """A line's predictions of a day, as SEEN, and the models that were refused; "" stands for the whole line."""

    rows: pa.Table = field(repr=False)
    refused: frozenset[str]

    def knows(self, artifact_sha256: str) -> bool:
        """Return whether the day was made with this model standing: it was asked, or refused."""
        rows = self.rows["artifact_sha256"]
        return bool({"", artifact_sha256} & self.refused or pc.any(pc.equal(rows, artifact_sha256)).as_py())


class Days:
    """The days of a line, each partition opened once; `inputs` is how to remember what was there."""

    def __init__(self, models: Models, line: ModelLine) -> None:
        self._models = models
        self._line = line
        self.inputs: dict[str, Input] = {}
        self.predictions = lru_cache(maxsize=None)(self._predictions)
        self.features = lru_cache(maxsize=None)(self._features)
        self.bars = lru_cache(maxsize=None)(self._bars)

    def frame(self, days: Iterable[str]) -> Read[FeatureFrame]:
        """Return the features of some days as one; a day that cannot be read is that of all."""
        frames = []
        for day in days:
            read = self.features(day)
            if read.found is None:
                return read
            frames.append(read.found)
        try:
            return Read(join_frames(frames))
        except FrameError as error:
            return Read(failed_gates=(f"features: {error.message}",))

    def _predictions(self, day: str) -> Read[Predicted]:
        read = self._read("predictions", day, self._predicted)
        if f"predictions/{day}" in self.inputs and self.inputs[f"predictions/{day}"] == ABSENT:
            return Read(unknown=f"there are no predictions of {day}")
        return read

    def _features(self, day: str) -> Read[FeatureFrame]:
        return self._read("features", day, lambda found: features_of(self._line, found))

    def _bars(self, day: str) -> Read[pa.Table]:
        return self._read("market_bars", day, lambda found: found.read("bars") or MARKET_BARS.empty_table())

    def _predicted(self, found: Dataset) -> Predicted:
        table = found.read("predictions", SEEN.names)
        rows = SEEN.empty_table() if table is None else table
        refused = [row for row in rows_of(found, "refused") if row["line"] == self._line.name]
        own = rows.filter(pc.equal(rows["line"], self._line.name))
        return Predicted(own, frozenset(row["artifact_sha256"] or "" for row in refused))

    def _read(self, dataset: str, day: str, parse: Callable[[Dataset], T]) -> Read[T]:
        manifest: Manifest | None = None
        try:
            manifest = self._models.lake.manifest(dataset, day)
            self.inputs[f"{dataset}/{day}"] = ABSENT if manifest is None else as_input(manifest)
            return Read(parse(self._models.lake.open(dataset, day)))
        except StaleInput as error:
            return Read(unknown=str(error))
        except (LakeError, FrameError) as error:
            return Read(failed_gates=_failed_gates(dataset, manifest, error))


def _failed_gates(dataset: str, manifest: Manifest | None, error: LakeError | FrameError) -> tuple[str, ...]:
    """Return the blocking checks that did not hold, or that the partition cannot be read at all."""
    failed = [each.name for each in manifest.checks if each.blocking and not each.passed] if manifest else []
    if failed and not isinstance(error, CorruptDataset):
        return tuple(f"{dataset}.{name}" for name in failed)
    return (f"{dataset}: {type(error).__name__}",)
