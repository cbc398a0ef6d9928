"""Residues: what is left of a difference or sum when its terms cancel."""

from __future__ import annotations

import numpy as np

from distill_platform.stats.series import Series

_ROUNDING = 8.0 * float(np.finfo(np.float64).eps)


def is_residue(series: Series, magnitude: float) -> bool:
    """Return whether a series, computed from terms as large as `magnitude`, varies no more than they were rounded.

    What should be constant then is not quite, and a ratio over its dispersion would be 1e16 and pass any gate.
    """
    return len(series) == 0 or float(series.max() - series.min()) <= _ROUNDING * magnitude
