"""Intents: from opinions to target weights, before any care for risk."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from distill_platform.strategies.bundles.manifest import SemanticRole
from distill_platform.strategies.kinds.kind import Panel, Params, Schema, node_kind, panel

INTENT = frozenset({SemanticRole.INTENT})
Side = Literal["long_only", "long_short"]
Gross = Annotated[float, Field(gt=0.0, le=20.0)]


class Book(Params):
    """Which sides may be held, and the sum of absolute weights when fully invested, as a fraction of equity."""

    side: Side = "long_only"
    gross: Gross = 1.0


class Position(Book):
    """How the gross weight is divided.

    `equal`: the same for every symbol with an opinion. `slots`: the same for every known symbol, and the slots of those
    without an opinion stay in cash. `proportional`: by the size of the opinion.
    """

    sizing: Literal["equal", "slots", "proportional"]


@node_kind(
    "position_target", roles=INTENT, ports=(panel("signal"),), output=Schema.TARGET, params=Position,
    example={"sizing": "equal", "side": "long_short"},
)  # fmt: skip
def position_target(params: Position, signal: Panel) -> Panel:
    """Return weights with the sign of the signal, gross divided by `sizing`; no negative ones unless `long_short`."""
    opinion = _allowed(signal, params.side)
    if params.sizing == "proportional":
        return _spread(opinion, np.abs(opinion), params.gross)
    heads = ~np.isnan(signal) if params.sizing == "slots" else opinion != 0.0
    return _spread(np.sign(opinion), heads.astype(np.float64), params.gross)


@node_kind(
    "inverse_volatility", roles=INTENT, ports=(panel("signal"), panel("volatility")), output=Schema.TARGET,
    params=Book, example={"side": "long_only"},
)  # fmt: skip
def inverse_volatility(params: Book, signal: Panel, volatility: Panel) -> Panel:
    """Return weights with the sign of the signal and the size of 1 / volatility; none where that is 0 or unknown."""
    size = np.where(volatility > 0.0, 1.0 / volatility, np.nan)
    opinion = np.sign(_allowed(signal, params.side)) * size
    return _spread(opinion, np.abs(np.nan_to_num(opinion, nan=0.0)), params.gross)


def _allowed(signal: Panel, side: Side) -> Panel:
    """Return the signal as far as this side may act on it; what is unknown is no opinion."""
    known = np.where(np.isnan(signal), 0.0, signal)
    return np.maximum(known, 0.0) if side == "long_only" else known


def _spread(opinion: Panel, parts: Panel, gross: float) -> Panel:
    total = parts.sum(axis=1, keepdims=True)
    return gross * opinion / np.where(total > 0.0, total, np.inf)
