"""The shelf: models that a week's earlier stages fitted, from their sealed files and published scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.canon import dumps, parse, sig_hash
from distill_platform.models.artifacts.loading import load_model
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.chain.entrants import Role
from distill_platform.models.chain.fitted import Fitted, restored
from distill_platform.models.chain.material import Material
from distill_platform.models.frames import Floats
from distill_platform.models.stage import Models, refused_before
from distill_platform.store.lake import Dataset, Input
from distill_platform.store.lake.tables import open_partition, rows_of

_NS_PER_US = 1_000


class Shelf:
    """What was fitted for a line in a week; `inputs` is how to remember what was read, `references` what it is."""

    def __init__(self, models: Models, material: Material, week: str) -> None:
        self._models = models
        self._material = material
        self._week = week
        self.inputs: dict[str, Input] = {}
        self.references: dict[str, ArtifactReference] = {}

    def rows(self, dataset: str) -> list[dict[str, Any]]:
        """Return the rows of models of this line in a dataset."""
        line = self._material.line.name
        return [row for row in rows_of(self._opened(dataset), "models") if row["line"] == line]

    def fitted(self, dataset: str, name: str) -> Fitted:
        """Return a model as it was fitted, verified: its files, and that its scores are those that were proven."""
        row = self._row(dataset, name)
        report = parse(row["report"].encode())
        scores = self.scores(dataset, name)
        return restored(self._material, name, self.model(row), scores, report)

    def model(self, row: Mapping[str, Any]) -> Any:
        """Return what scores for a row of models, from its verified artifact."""
        reference = ArtifactReference(
            line=row["line"], name=row["name"], version=row["version"], artifact_sha256=row["artifact_sha256"]
        )
        self.references[row["name"]] = reference
        return load_model(self._models.artifacts, reference).scorer

    def scores(self, dataset: str, name: str) -> Floats:
        """Return the scores out of fold of a model for the rows of the search window, NaN where it has none."""
        search = self._material.search.features
        found = self._opened(dataset).read("scores")
        scores = np.full(len(search), np.nan)
        if found is None:
            return scores
        line = self._material.line.name
        own = found.filter(pc.and_(pc.equal(found["line"], line), pc.equal(found["name"], name)))
        ts = np.array(own["ts"].cast(pa.int64())) * _NS_PER_US
        symbol = np.array(pc.index_in(own["symbol"], pa.array(search.symbols, pa.string())), np.int64)
        width = len(search.symbols)
        keys = search.ts // _NS_PER_US * width + search.symbol
        places = np.searchsorted(keys, ts // _NS_PER_US * width + symbol)
        scores[places] = own["score"].to_numpy()
        return scores

    def _row(self, dataset: str, name: str) -> dict[str, Any]:
        found = next((row for row in self.rows(dataset) if row["name"] == name), None)
        if found is None:
            raise refused_before(self._opened(dataset), self._material.line)
        return found

    def _opened(self, dataset: str) -> Dataset:
        opened, read = open_partition(self._models.lake, dataset, self._week)
        self.inputs |= read
        return opened


def model_row(
    reference: ArtifactReference, role: Role, scale: float, report: Mapping[str, Any], *, policy: str | None = None
) -> dict[str, Any]:
    """Return a sealed model as a row of models."""
    return {
        "line": reference.line,
        "name": reference.name,
        "role": role.value,
        "version": reference.version,
        "artifact_sha256": reference.artifact_sha256,
        "scale": scale,
        "report_sha256": sig_hash(dict(report)),
        "report": dumps(dict(report)).decode(),
        "policy": policy,
        "mean_rank_ic": report.get("mean_rank_ic"),
    }


def fold_rows(line: str, name: str, folds: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the folds of a model as rows."""
    wanted = (
        "fold",
        "train_rows",
        "test_rows",
        "purged_rows",
        "embargoed_rows",
        "overlaps",
        "rank_ic",
        "mse",
        "null_mse",
    )
    for fold in folds:
        yield {"line": line, "name": name, **{key: fold[key] for key in wanted}}


def score_rows(line: str, name: str, material: Material, scores: Floats) -> Iterator[dict[str, Any]]:
    """Yield the scores that are there, by moment and symbol."""
    frame = material.search.features
    for row in np.flatnonzero(np.isfinite(scores)).tolist():
        yield {
            "line": line,
            "name": name,
            "ts": int(frame.ts[row]) // _NS_PER_US,
            "symbol": frame.symbols[int(frame.symbol[row])],
            "score": float(scores[row]),
        }
