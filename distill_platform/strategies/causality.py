"""Causality: whether what a graph says at one bar depends on any bar after it.

Two experiments. Truncation: on the first rows of the bars alone, every value must be what it was on all rows, bit for
bit. Perturbation: when all bars after a row change, no value up to that row may. They see different mistakes: what is
missed at the end of the data, and what is there and should not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill_platform.strategies.bars import FIELDS, Bars, Panel
from distill_platform.strategies.computing import evaluate_graph
from distill_platform.strategies.graph import StrategyGraph


@dataclass(frozen=True)
class LookAhead:
    """A node whose value in `row` changed with bars from `cut` on, which is after that row."""

    node_id: str
    row: int
    cut: int
    experiment: str


def look_ahead(graph: StrategyGraph, bars: Bars, cuts: Iterable[int]) -> tuple[LookAhead, ...]:
    """Return the nodes that look ahead, those that only pass it on included; empty if none was seen to.

    Each cut, 1 to T - 1, is the first row that is taken away or changed. Costs two evaluations for each cut.
    """
    whole = evaluate_graph(graph, bars).values
    found: dict[str, LookAhead] = {}
    for cut in cuts:
        for experiment, other in (("truncation", bars.rows(0, cut)), ("perturbation", _changed_from(bars, cut))):
            again = evaluate_graph(graph, other).values
            for node_id, values in whole.items():
                row = _first_difference(values[:cut], again[node_id][:cut])
                if row is not None:
                    found.setdefault(node_id, LookAhead(node_id, row, cut, experiment))
    return tuple(found.values())


def _changed_from(bars: Bars, cut: int) -> Bars:
    """Return bars whose fields from row `cut` on are others, by a factor for each row and symbol.

    The factors differ, so that comparisons between later rows and between symbols come out differently as well.
    """
    rows, columns = np.ogrid[cut : len(bars), : len(bars.symbols)]
    factors = 1.25 + (rows * 5 + columns * 3) % 11 / 4.0
    fields: dict[str, Any] = {}
    for name in FIELDS:
        values = getattr(bars, name)
        if values is not None:
            fields[name] = np.concatenate([values[:cut], values[cut:] * factors])
    return Bars(bars.ts, bars.symbols, **fields)


def _first_difference(before: Panel, after: Panel) -> int | None:
    differs = (before.view(np.uint64) != after.view(np.uint64)).any(axis=1)
    return int(np.argmax(differs)) if differs.any() else None
