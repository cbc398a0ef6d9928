"""Differentials: performance of models less that of a benchmark, made ready for the tests of superiority."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.stats.blocks import Scheme
from distill_platform.stats.bootstrap import chosen_resampling
from distill_platform.stats.enumeration import enumerated_means
from distill_platform.stats.hansen import hansen_kernel_variance_cols
from distill_platform.stats.resampling import Resampling, column_means, resampled_deviations
from distill_platform.stats.series import Panel, as_panel

Values = npt.NDArray[np.float64]

TIE = 1e-10  # relative; sums of the same numbers in another order differ by less
_ROUNDING = 1e-12  # a differential that varies less than this share of its size is a constant one, computed


@dataclass(frozen=True, slots=True, eq=False)
class Differentials:
    """The columns of a (T, K) panel that vary, and how their means are scaled and recentred."""

    panel: Panel
    columns: npt.NDArray[np.int64]
    n_models: int
    scale: Values
    means: Values
    relevant: npt.NDArray[np.bool_]

    @property
    def statistics(self) -> Values:
        """The scaled means: t-statistics if studentized, else means times sqrt(T)."""
        return self.means * self.scale

    @property
    def recentred(self) -> dict[str, Values]:
        """What Hansen's three distributions add to the deviations of resampled means from sample means.

        Upper: nothing, every model counts as if it were as good as the benchmark. Consistent: a model that is worse
        beyond doubt keeps its mean. Lower: any that is worse does.
        """
        return {
            "lower": np.minimum(self.means, 0.0),
            "consistent": np.where(self.relevant, 0.0, self.means),
            "upper": np.zeros_like(self.means),
        }

    def maxima(self, deviations: Panel, shift: Values) -> Values:
        """Return the largest scaled mean of each resample, at least 0, after the means were moved by `shift`."""
        largest: Values = np.max((deviations + shift) * self.scale, axis=1, initial=0.0)
        return largest


def prepared_differentials(diff: Any, kernel_q: float, *, studentize: bool) -> Differentials:
    """Return the differentials that vary, with Hansen's variances; ValueError for an empty panel or a bad kernel_q.

    A model is irrelevant if its mean is below -omega sqrt(2 log log T / T) (Hansen 2005, section 2.2).
    """
    panel = as_panel(diff, name="diff")
    omega = np.sqrt(hansen_kernel_variance_cols(panel, kernel_q))
    columns = np.flatnonzero((omega > 0.0) & (np.ptp(panel, axis=0) > _ROUNDING * np.abs(panel).max(axis=0)))
    kept, omega, T = np.ascontiguousarray(panel[:, columns]), omega[columns], len(panel)  # noqa: N806
    means = column_means(kept)
    bound = math.sqrt(2.0 * max(math.log(math.log(T)), 0.0) / T) if T > 1 else 0.0
    scale = math.sqrt(T) / omega if studentize else np.full(len(columns), math.sqrt(T))
    return Differentials(kept, columns, panel.shape[1], scale, means, means >= -omega * bound)


def resampled_differentials(
    diff: Any,
    n_resamples: int,
    block_length: float | None,
    scheme: Scheme | str,
    kernel_q: float | None,
    studentize: bool,
    seed: int,
    threads: int,
) -> tuple[Differentials, Panel, Resampling]:
    """Return the differentials, how far each resample's means are from theirs, and how the resamples were drawn."""
    panel = as_panel(diff, name="diff")
    provenance = chosen_resampling(panel, n_resamples, block_length, scheme, seed)
    q = 1.0 / provenance.block_length if kernel_q is None else kernel_q
    differentials = prepared_differentials(panel, q, studentize=studentize)
    return differentials, resampled_deviations(differentials.panel, provenance, threads), provenance


def enumerated_differentials(
    diff: Any, block: int, scheme: Scheme | str, kernel_q: float | None, studentize: bool
) -> tuple[Differentials, Panel]:
    """Return the differentials, and how far the means of every possible resample are from theirs."""
    q = 1.0 / block if kernel_q is None else kernel_q
    differentials = prepared_differentials(diff, q, studentize=studentize)
    return differentials, enumerated_means(differentials.panel, block, scheme) - differentials.means
