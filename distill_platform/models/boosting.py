"""Boosting: LightGBM trees, the same model on any number of threads.

The text of a model is parsed by native code that trusts it: a changed character can change predictions in silence or
end the process. `boosting_from_files` is for bytes whose hash and signature were verified.
Source: Ke et al. (2017), "LightGBM: a highly efficient gradient boosting decision tree".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, ValidationError

from distill_platform.core.canon import dumps, parse
from distill_platform.core.config import StrictModel
from distill_platform.core.errors import CanonError, ModelError
from distill_platform.models.columns import model_columns, only_usable
from distill_platform.models.frames import FeatureFrame, Floats, TrainingFrame

if TYPE_CHECKING:
    from lightgbm import Booster

TREES_FILE = "boosting.lgb.txt"
FEATURES_FILE = "boosting.json"
FORMAT = "boosting/1"

_THREADS_LINE = "[num_threads: {}]\n"
Share = Annotated[float, Field(gt=0.0, le=1.0)]


class BoostingSettings(StrictModel):
    """The trees: how many, how large, and how strongly each is held back. The defaults are for noisy labels."""

    rounds: Annotated[int, Field(ge=1, le=10_000)] = 150
    learning_rate: Share = 0.05
    leaves: Annotated[int, Field(ge=2, le=1_024)] = 15
    min_rows_per_leaf: Annotated[int, Field(ge=1)] = 200
    l2: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 10.0
    feature_share: Share = 0.7
    row_share: Share = 0.7
    bins: Annotated[int, Field(ge=2, le=255)] = 63


class _FeaturesFile(StrictModel):
    """The whole of `boosting.json`: the features in the order of the trees' columns."""

    format: str
    feature_names: list[str]


@dataclass(frozen=True, eq=False)
class Boosting:
    """Fitted trees as LightGBM's own text, read on first use; a missing feature goes the way training found best."""

    feature_names: tuple[str, ...]
    trees: bytes = field(repr=False)

    @property
    def kind(self) -> str:
        """Return "lightgbm"."""
        return "lightgbm"

    def scores(self, frame: FeatureFrame) -> Floats:
        """Return the expected label of each row, shape (N,), NaN where a row must not be scored.

        A row has the same score alone and among others, to the bit. KeyError for a frame without one of the features.
        """
        return only_usable(frame, self._predict(frame))

    def contributions(self, frame: FeatureFrame) -> Floats:
        """Return what each feature adds to each score, shape (N, F): its Shapley value over the trees.

        They sum to the score less the trees' mean score. Lundberg et al. (2020), "From local explanations to global
        understanding with explainable AI for trees".
        """
        return self._predict(frame, pred_contrib=True).reshape(len(frame), len(self.feature_names) + 1)[:, :-1]

    def files(self) -> Mapping[str, bytes]:
        """Return the two files that the model can be read back from."""
        names = {"format": FORMAT, "feature_names": list(self.feature_names)}
        return {TREES_FILE: self.trees, FEATURES_FILE: dumps(names)}

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to rebuild the model in another process: from its text."""
        return Boosting, (self.feature_names, self.trees)

    @cached_property
    def _booster(self) -> Booster:
        import lightgbm

        return lightgbm.Booster(model_str=self.trees.decode())

    def _predict(self, frame: FeatureFrame, **options: bool) -> Floats:
        columns = model_columns(frame, self.feature_names)
        if not len(columns):
            return np.empty((0, len(self.feature_names) + 1)) if options else np.empty(0)
        found: Floats = np.asarray(self._booster.predict(columns, num_threads=1, **options), dtype=np.float64)
        return found


def fit_boosting(
    frame: TrainingFrame, names: tuple[str, ...], settings: BoostingSettings, seed: int, threads: int = 1
) -> Boosting:
    """Return trees fitted to the squared error on the trainable rows of a frame, over some of its features.

    The same bytes for any number of threads. One is fastest where other work goes on: threads wait for each other.
    Raises ModelError for fewer trainable rows than two leaves hold, and KeyError for a feature that is not there.
    """
    import lightgbm

    kept = frame.rows(frame.is_trainable)
    if len(kept) < 2 * settings.min_rows_per_leaf:
        hint = "Widen the search window, or lower min_rows_per_leaf"
        raise ModelError(f"trees cannot be fitted on {len(kept)} trainable rows", hint=hint)
    parameters = _parameters(settings, seed, threads)
    columns = model_columns(kept.features, names)
    rows = lightgbm.Dataset(columns, kept.label, params=parameters, feature_name=[f"f{i}" for i in range(len(names))])
    booster = lightgbm.train(parameters, rows, num_boost_round=settings.rounds)
    text = booster.model_to_string(num_iteration=-1).replace(_THREADS_LINE.format(threads), "")
    return Boosting(names, text.encode())


def boosting_from_files(files: Mapping[str, bytes]) -> Boosting:
    """Return the trees that verified `files` hold; they are not parsed before the first score.

    Raises ModelError for files that are not there or not ours.
    """
    try:
        stored = _FeaturesFile.model_validate(parse(files[FEATURES_FILE]))
        trees = files[TREES_FILE]
    except (KeyError, CanonError, ValidationError) as error:
        raise ModelError(f"{FEATURES_FILE} or {TREES_FILE} is not there, or not ours: {type(error).__name__}") from None
    if stored.format != FORMAT:
        raise ModelError(f"{FEATURES_FILE} is of format {stored.format[:40]!r}, not {FORMAT}")
    return Boosting(tuple(stored.feature_names), trees)


def _parameters(settings: BoostingSettings, seed: int, threads: int) -> dict[str, Any]:
    return {
        "objective": "regression",
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
        "seed": seed,
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.min_rows_per_leaf,
        "lambda_l2": settings.l2,
        "feature_fraction": settings.feature_share,
        "bagging_fraction": settings.row_share,
        "bagging_freq": 1,
        "max_bin": settings.bins,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
