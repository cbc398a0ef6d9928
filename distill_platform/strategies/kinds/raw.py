"""Raw inputs: the fields of the bars, and what needs no market at all."""

from __future__ import annotations

import hashlib
from typing import Annotated

import numpy as np
from pydantic import Field

from distill_platform.core.errors import BarsError
from distill_platform.stats.randomness import mix64
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.bundles.manifest import SemanticRole
from distill_platform.strategies.kinds.kind import NoParams, Panel, Params, node_kind

_RAW = frozenset({SemanticRole.RAW_INPUT})


@node_kind("open", roles=_RAW, ports=())
def raw_open(params: NoParams, bars: Bars) -> Panel:
    """Return the opening price of each bar."""
    return _field(bars, "open")


@node_kind("high", roles=_RAW, ports=())
def raw_high(params: NoParams, bars: Bars) -> Panel:
    """Return the highest price of each bar."""
    return _field(bars, "high")


@node_kind("low", roles=_RAW, ports=())
def raw_low(params: NoParams, bars: Bars) -> Panel:
    """Return the lowest price of each bar."""
    return _field(bars, "low")


@node_kind("close", roles=_RAW, ports=())
def raw_close(params: NoParams, bars: Bars) -> Panel:
    """Return the closing price of each bar."""
    return _field(bars, "close")


@node_kind("volume", roles=_RAW, ports=())
def raw_volume(params: NoParams, bars: Bars) -> Panel:
    """Return the volume traded in each bar."""
    return _field(bars, "volume")


@node_kind("listed", roles=_RAW, ports=(), neutral=1.0)
def listed(params: NoParams, bars: Bars) -> Panel:
    """Return 1 where a symbol has a close and NaN where it has none: the signal of whoever holds everything."""
    return np.where(np.isnan(bars.close), np.nan, 1.0)


class Seed(Params):
    """Which of the many placebos."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]


@node_kind("placebo", roles=_RAW, ports=(), params=Seed, neutral=0.0, example={"seed": 7})
def placebo(params: Seed, bars: Bars) -> Panel:
    """Return noise, uniform in [-1, 1), drawn from seed, symbol and time alone: a control that knows nothing."""
    names = [hashlib.sha256(symbol.encode()).digest()[:8] for symbol in bars.symbols]
    columns = np.array([int.from_bytes(name, "little") for name in names], dtype=np.uint64)
    bits = mix64(params.seed, columns[np.newaxis, :], bars.ts[:, np.newaxis])
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0


def _field(bars: Bars, name: str) -> Panel:
    values: Panel | None = getattr(bars, name)
    if values is None:
        raise BarsError(f"the graph reads {name!r}, and these bars have none", hint="Use bars that have it")
    return values
