"""Ridge: a linear model in closed form, the same bits on any machine and for any number of rows at once.

Everything is summed in one fixed order in compiled code, without BLAS, whose last bits depend on its threads.
Source: Hoerl and Kennard (1970), "Ridge regression".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from pydantic import Field, ValidationError

from distill_platform.core.canon import dumps, parse
from distill_platform.core.config import StrictModel
from distill_platform.core.errors import CanonError, ModelError
from distill_platform.core.kernel import kernel
from distill_platform.models.columns import model_columns, only_usable
from distill_platform.models.frames import FeatureFrame, Floats, TrainingFrame

RIDGE_FILE = "ridge.json"
FORMAT = "ridge/1"

_CLIP = 8.0  # standard deviations: one bad tick must not decide over the fit, or over a score
_CONSTANT = 1e-12  # a standard deviation below this share of the values' size is rounding


class RidgeSettings(StrictModel):
    """`penalty` is added to the variance of every standardized feature: 1.0 halves the weight of one that is alone."""

    penalty: Annotated[float, Field(gt=0.0, le=1e6, allow_inf_nan=False)] = 0.1


class _RidgeFile(StrictModel):
    """The whole of `ridge.json`: one entry per feature in the first three, two in the others, a missing flag last."""

    format: str
    penalty: float
    intercept: Annotated[float, Field(allow_inf_nan=False)]
    feature_names: list[str]
    medians: list[float]
    means: list[float]
    scales: list[float]
    coefficients: list[float]


@dataclass(frozen=True, eq=False)
class Ridge:
    """A fitted ridge over F features and F flags that say which of them are missing.

    A missing feature counts as its median in the training rows. Columns are standardized by `means` and `scales`,
    shape (2 F,), of the training rows, and cut at 8 standard deviations; one that does not vary there has scale 0 and
    counts for nothing.
    """

    feature_names: tuple[str, ...]
    penalty: float
    intercept: float
    medians: Floats = field(repr=False)
    means: Floats = field(repr=False)
    scales: Floats = field(repr=False)
    coefficients: Floats = field(repr=False)

    @property
    def kind(self) -> str:
        """Return "ridge"."""
        return "ridge"

    def scores(self, frame: FeatureFrame) -> Floats:
        """Return the expected label of each row, shape (N,), NaN where a row must not be scored.

        A row has the same score alone and among others, to the bit. KeyError for a frame without one of the features.
        """
        return only_usable(frame, _row_sums(self.contributions(frame), self.intercept))

    def contributions(self, frame: FeatureFrame) -> Floats:
        """Return what each feature adds to each score, shape (N, F): they sum to the score less the intercept.

        What the flag of a missing feature adds is part of the feature's own.
        """
        parts = self._standardized(model_columns(frame, self.feature_names)) * self.coefficients
        count = len(self.feature_names)
        added: Floats = parts[:, :count] + parts[:, count:]
        return added

    def files(self) -> Mapping[str, bytes]:
        """Return the one file that the model can be read back from."""
        return {RIDGE_FILE: dumps(self._document())}

    def _standardized(self, values: Floats) -> Floats:
        return _standardized(_with_flags(values, self.medians), self.means, self.scales)

    def _document(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "penalty": self.penalty,
            "intercept": self.intercept,
            "feature_names": list(self.feature_names),
            "medians": self.medians.tolist(),
            "means": self.means.tolist(),
            "scales": self.scales.tolist(),
            "coefficients": self.coefficients.tolist(),
        }


def fit_ridge(frame: TrainingFrame, names: tuple[str, ...], settings: RidgeSettings) -> Ridge:
    """Return the ridge of the trainable rows of a frame over some of its features.

    It minimizes the mean squared error plus penalty times the sum of squared coefficients of standardized columns; the
    intercept is not penalized. O(n F^2). Raises ModelError for fewer than two trainable rows, and KeyError for a
    feature that the frame does not have.
    """
    kept = frame.rows(frame.is_trainable)
    if len(kept) < 2:
        raise ModelError(f"a ridge cannot be fitted on {len(kept)} trainable rows", hint="Widen the search window")
    values = model_columns(kept.features, names)
    medians = _medians(values)
    columns = _with_flags(values, medians)
    means, scales = _moments(columns)
    standardized = _standardized(columns, means, scales)
    intercept = float(_column_sums(kept.label[:, None])[0] / len(kept))
    gram, moment = _products(standardized, kept.label - intercept)
    gram, moment = gram / len(kept), moment / len(kept)
    gram[np.diag_indices(len(gram))] += settings.penalty
    centre = _column_sums(standardized) / len(kept)  # not 0 where values were cut off
    coefficients = _solved(gram - centre[:, None] * centre, moment)
    offset = intercept - float((coefficients * centre).cumsum()[-1])
    return Ridge(names, settings.penalty, offset, medians, means, scales, coefficients)


def ridge_from_files(files: Mapping[str, bytes]) -> Ridge:
    """Return the ridge that its `files` describe; ModelError for any other content."""
    try:
        stored = _RidgeFile.model_validate(parse(files[RIDGE_FILE]))
    except (KeyError, CanonError, ValidationError) as error:
        raise ModelError(f"{RIDGE_FILE} is not there, or not a ridge: {type(error).__name__}") from None
    count = len(stored.feature_names)
    medians, means, scales, coefficients = (
        np.array(numbers) for numbers in (stored.medians, stored.means, stored.scales, stored.coefficients)
    )
    lengths = (len(medians), len(means), len(scales), len(coefficients))
    if stored.format != FORMAT or lengths != (count, 2 * count, 2 * count, 2 * count):
        raise ModelError(
            f"{RIDGE_FILE} is of format {stored.format[:40]!r} with {lengths} numbers for {count} features"
        )
    return Ridge(tuple(stored.feature_names), stored.penalty, stored.intercept, medians, means, scales, coefficients)


def _medians(values: Floats) -> Floats:
    """Return the median of what is there in each column, 0 where nothing is."""
    medians = np.zeros(values.shape[1])
    for place, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        medians[place] = np.median(known) if len(known) else 0.0
    return medians


def _with_flags(values: Floats, medians: Floats) -> Floats:
    """Return the columns with medians where a value is missing, followed by a column for each that says where."""
    missing = np.isnan(values)
    return np.concatenate([np.where(missing, medians, values), missing.astype(np.float64)], axis=1)


def _moments(columns: Floats) -> tuple[Floats, Floats]:
    """Return means and standard deviations of the columns; 0 for the deviation of one that does not vary."""
    means = _column_sums(columns) / len(columns)
    scales = np.sqrt(_column_sums((columns - means) ** 2) / len(columns))
    scales[scales <= _CONSTANT * np.abs(means)] = 0.0
    return means, scales


def _standardized(columns: Floats, means: Floats, scales: Floats) -> Floats:
    divisors = np.where(scales > 0.0, scales, np.inf)
    cut: Floats = np.clip((columns - means) / divisors, -_CLIP, _CLIP)
    return cut


@kernel
def _column_sums(columns: Floats) -> Floats:
    sums = np.zeros(columns.shape[1])
    for row in range(columns.shape[0]):
        for column in range(columns.shape[1]):
            sums[column] += columns[row, column]
    return sums


@kernel
def _row_sums(parts: Floats, start: float) -> Floats:
    sums = np.full(parts.shape[0], start)
    for row in range(parts.shape[0]):
        for column in range(parts.shape[1]):
            sums[row] += parts[row, column]
    return sums


@kernel
def _products(columns: Floats, label: Floats) -> tuple[Floats, Floats]:
    """Return columns' columns, shape (C, C), and columns' label, shape (C,), summed row after row."""
    count = columns.shape[1]
    gram = np.zeros((count, count))
    moment = np.zeros(count)
    for row in range(columns.shape[0]):
        for first in range(count):
            value = columns[row, first]
            moment[first] += value * label[row]
            for second in range(first + 1):
                gram[first, second] += value * columns[row, second]
    for first in range(count):
        for second in range(first):
            gram[second, first] = gram[first, second]
    return gram, moment


@kernel
def _solved(matrix: Floats, right: Floats) -> Floats:
    """Return the solution of matrix x = right for a positive definite matrix, by Cholesky's factors."""
    count = len(right)
    lower = np.zeros((count, count))
    solution = right.copy()
    for row in range(count):
        for column in range(row + 1):
            rest = matrix[row, column]
            for inner in range(column):
                rest -= lower[row, inner] * lower[column, inner]
            lower[row, column] = np.sqrt(rest) if row == column else rest / lower[column, column]
    for row in range(count):
        for inner in range(row):
            solution[row] -= lower[row, inner] * solution[inner]
        solution[row] /= lower[row, row]
    for row in range(count - 1, -1, -1):
        for inner in range(row + 1, count):
            solution[row] -= lower[inner, row] * solution[inner]
        solution[row] /= lower[row, row]
    return solution
