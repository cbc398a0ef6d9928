"""Series: what every statistic asks of its input before it computes anything.

A series is a one-dimensional array of float64, oldest observation first; a panel has shape (T, N): T observations of N
series. Infinities are always refused. NaN is refused or left out, as the caller says; it is never computed with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.stats.choice import Choice

Series = npt.NDArray[np.float64]
Panel = npt.NDArray[np.float64]


class NanPolicy(Choice):
    """What to do with NaN: refuse the input, or leave those observations out, which makes the series shorter."""

    RAISE = "raise"
    OMIT = "omit"


def as_series(values: Any, *, name: str = "returns", nan_policy: NanPolicy | str = NanPolicy.RAISE) -> Series:
    """Return `values` as a contiguous float64 series, without NaN; it may be empty.

    Raises ValueError for anything but one dimension of real numbers, for infinities, and for NaN unless omitted.
    """
    series = _real(values, name)
    if series.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not {series.ndim}")
    missing = np.isnan(series)
    if missing.any():
        if NanPolicy(nan_policy) is NanPolicy.RAISE:
            place = int(np.argmax(missing))
            raise ValueError(f"{name} is NaN at {place}; drop it, or pass nan_policy='omit'")
        series = series[~missing]
    NanPolicy(nan_policy)
    return np.ascontiguousarray(series)


def as_panel(values: Any, *, name: str = "returns") -> Panel:
    """Return `values` as a C-contiguous float64 panel of shape (T, N); ValueError for NaN, infinity or other shapes."""
    panel = _real(values, name)
    if panel.ndim != 2:
        raise ValueError(f"{name} must have two dimensions (T, N), not {panel.ndim}")
    if np.isnan(panel).any():
        row, column = np.argwhere(np.isnan(panel))[0].tolist()
        raise ValueError(f"{name} is NaN at row {row}, column {column}; fill or drop it before")
    return np.ascontiguousarray(panel)


def is_constant(series: Series) -> bool:
    """Return whether all observations are equal; their standard deviation need not come out as exactly 0."""
    return bool(len(series) == 0 or series.max() == series.min())


def _unmasked(values: Any) -> Any:
    """Return a masked array with NaN where it is masked: numpy would give back what lies beneath the mask."""
    return np.ma.filled(values.astype(np.float64), np.nan) if isinstance(values, np.ma.MaskedArray) else values


def _real(values: Any, name: str) -> npt.NDArray[np.float64]:
    try:
        array = np.asarray(_unmasked(values))
        if array.dtype.kind not in "iuf" and not (array.dtype.kind == "O" and array.size):
            array = array if array.size else array.astype(np.float64)
            if array.dtype.kind not in "iuf":
                raise TypeError(f"found {array.dtype}")
        real = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold real numbers only: {error}") from None
    if np.isinf(real).any():
        raise ValueError(f"{name} is infinite at {np.argwhere(np.isinf(real))[0].tolist()}")
    return real
