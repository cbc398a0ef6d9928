"""Cross-sections: a symbol against all others at the same time. Symbols that are unknown are not counted."""

from __future__ import annotations

import math

import numpy as np

from distill_platform.core.kernel import kernel
from distill_platform.strategies.kinds.kind import NoParams, Panel, node_kind, panel


@node_kind("rank", ports=(panel("value"),), neutral=0.0)
def rank(params: NoParams, value: Panel) -> Panel:
    """Return the rank among the symbols of a bar, from -0.5 (lowest) to 0.5 (highest), ties sharing theirs."""
    ranks = np.full(value.shape, math.nan)
    _rank(value, ranks)
    return ranks


@node_kind("demean", ports=(panel("value"),), neutral=0.0)
def demean(params: NoParams, value: Panel) -> Panel:
    """Return the value less the mean over the symbols of its bar."""
    return value - _mean(value)


@node_kind("standardize", ports=(panel("value"),), neutral=0.0)
def standardize(params: NoParams, value: Panel) -> Panel:
    """Return the value less the mean over its bar's symbols, in standard deviations (ddof=0); NaN if all are equal."""
    apart = value - _mean(value)
    deviation = np.sqrt(_mean(apart * apart))
    equal = np.nanmax(value, axis=1, initial=-np.inf) == np.nanmin(value, axis=1, initial=np.inf)
    return apart / np.where(equal[:, np.newaxis], math.nan, deviation)


@node_kind("market", ports=(panel("value"),))
def market(params: NoParams, value: Panel) -> Panel:
    """Return the mean over the symbols of the bar, the same for each of them: an equally weighted index of anything."""
    return np.where(np.isnan(value), math.nan, _mean(value))


def _mean(values: Panel) -> Panel:
    known = ~np.isnan(values)
    counts = known.sum(axis=1, keepdims=True)
    sums: Panel = np.where(known, values, 0.0).sum(axis=1, keepdims=True)
    return sums / np.where(counts > 0, counts, math.nan)


@kernel
def _rank(values: Panel, ranks: Panel) -> None:
    for row in range(len(values)):
        order = np.argsort(values[row], kind="mergesort")  # NaN goes last
        known = int(np.sum(~np.isnan(values[row])))
        first = 0
        while first < known:
            last = first
            while last + 1 < known and values[row, order[last + 1]] == values[row, order[first]]:
                last += 1
            shared = 0.5 * (first + last) / (known - 1) - 0.5 if known > 1 else 0.0
            for place in range(first, last + 1):
                ranks[row, order[place]] = shared
            first = last + 1
