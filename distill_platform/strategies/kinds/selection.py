"""Selection: hold the best few, and do not let go of them for a trifle."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from distill_platform.core.kernel import kernel
from distill_platform.strategies.kinds.intents import INTENT, Book
from distill_platform.strategies.kinds.kind import Panel, Schema, node_kind, panel


class TopK(Book):
    """How many to hold on each side, and how far down the ranking a held symbol may slip before it is let go."""

    k: Annotated[int, Field(ge=1, le=10_000)]
    keep_within: Annotated[int, Field(ge=1, le=10_000)] | None = None

    @model_validator(mode="after")
    def _keep_is_not_tighter_than_enter(self) -> TopK:
        if self.keep_within is not None and self.keep_within < self.k:
            raise ValueError(f"keep_within {self.keep_within} must not be smaller than k {self.k}")
        return self


@node_kind(
    "top_k", roles=INTENT, ports=(panel("score"),), output=Schema.TARGET, params=TopK,
    example={"k": 5, "keep_within": 8, "side": "long_short"},
)  # fmt: skip
def top_k(params: TopK, score: Panel) -> Panel:
    """Return equal weights for the `k` highest scores, and with `long_short` negative ones for the `k` lowest.

    Each slot has gross / k (half of it with two sides) and stays in cash while nothing fills it. A held symbol keeps
    its slot while it ranks within `keep_within`. Of two sides each keeps to its half of the ranking, so no symbol is on
    both. Equal scores rank in the order of the symbols; where all are equal, none is best and nothing is held.
    """
    sides = 1 if params.side == "long_only" else 2
    slot = params.gross / (params.k * sides)
    keep = params.keep_within or params.k
    weights: Panel = np.zeros((2, *score.shape))
    for side in range(sides):
        _hold(score, params.k, keep, sides, slot, side == 1, weights[side])
    net: Panel = weights[0] - weights[1]
    return net


@kernel
def _hold(score: Panel, k: int, keep: int, sides: int, slot: float, lowest: bool, weights: Panel) -> None:
    n_rows, width = score.shape
    held = np.zeros(width, np.bool_)
    for row in range(n_rows):
        order = np.argsort(-score[row], kind="mergesort")  # NaN goes last
        known = 0
        for column in range(width):
            known += 0 if math.isnan(score[row, column]) else 1
        if lowest:
            order[:known] = order[:known][::-1].copy()
        none_is_best = known == 0 or score[row, order[0]] == score[row, order[known - 1]]
        eligible, count = 0 if none_is_best else known // sides, 0
        for place in range(width):
            column = order[place]
            held[column] = held[column] and place < min(keep, eligible) and count < k
            count += 1 if held[column] else 0
        for place in range(min(k, eligible)):
            if count < k and not held[order[place]]:
                held[order[place]] = True
                count += 1
        for column in range(width):
            weights[row, column] = slot if held[column] else 0.0
