"""Bars: what a strategy sees of the market, as arrays of shape (T, N), one row per bar and one column per symbol."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.core.canon import dumps
from distill_platform.core.errors import BarsError

Stamps = npt.NDArray[np.int64]
Panel = npt.NDArray[np.float64]

FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, eq=False)
class Bars:
    """T bars of N symbols, oldest first; `ts` is the end of each bar in nanoseconds since 1970-01-01 UTC.

    Prices are positive and volumes not negative. NaN is a bar that a symbol does not have: not listed yet, halted, or
    delisted. Close-only data leaves the other four out. The arrays are read-only copies, float64 in C order.

    Raises BarsError for stamps that do not increase, other shapes, duplicate or empty symbols, infinities, prices that
    are not positive, negative volumes, and a low above its high.
    """

    ts: Stamps
    symbols: tuple[str, ...]
    close: Panel
    open: Panel | None = None
    high: Panel | None = None
    low: Panel | None = None
    volume: Panel | None = None

    def __post_init__(self) -> None:
        """Copy, check and freeze every array."""
        object.__setattr__(self, "ts", _stamps(self.ts))
        object.__setattr__(self, "symbols", _symbols(self.symbols))
        shape = (len(self.ts), len(self.symbols))
        for name in FIELDS:
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, _panel(values, name, shape))
        if self.high is not None and self.low is not None and (crossed := self.low > self.high).any():
            row, column = np.argwhere(crossed)[0].tolist()
            raise BarsError(f"low is above high at row {row}, symbol {self.symbols[column]!r}")

    def __len__(self) -> int:
        """Return the number of bars T."""
        return len(self.ts)

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of stamps, symbols and numbers: equal content, equal fingerprint, on any machine."""
        present = [name for name in FIELDS if getattr(self, name) is not None]
        digest = hashlib.sha256(dumps({"rows": len(self.ts), "symbols": list(self.symbols), "fields": present}))
        digest.update(self.ts.astype("<i8").tobytes())
        for name in present:
            digest.update(getattr(self, name).astype("<f8").tobytes())
        return digest.hexdigest()

    def rows(self, start: int, stop: int) -> Bars:
        """Return the bars [start, stop), as bars of their own."""
        present = [name for name in FIELDS if getattr(self, name) is not None]
        fields: dict[str, Any] = {name: getattr(self, name)[start:stop] for name in present}
        return Bars(self.ts[start:stop], self.symbols, **fields)


def _stamps(values: Any) -> Stamps:
    stamps = np.array(values)
    if stamps.ndim != 1 or stamps.dtype != np.int64 or len(stamps) == 0:
        raise BarsError(
            f"ts must be one dimension of int64, at least one bar, not {stamps.dtype} of shape {stamps.shape}",
            hint="Give the end of each bar in nanoseconds since 1970, UTC",
        )
    late = np.flatnonzero(stamps[1:] <= stamps[:-1])
    if len(late):
        raise BarsError(f"ts does not increase at row {int(late[0]) + 1}", hint="Sort the bars and drop duplicates")
    stamps.flags.writeable = False
    return stamps


def _symbols(values: Any) -> tuple[str, ...]:
    symbols = tuple(values)
    if not symbols or not all(isinstance(symbol, str) and symbol for symbol in symbols):
        raise BarsError(f"symbols must be at least one word, not {list(symbols)[:5]}")
    if len(set(symbols)) < len(symbols):
        twice = next(symbol for symbol in symbols if symbols.count(symbol) > 1)
        raise BarsError(f"symbol {twice!r} stands twice")
    return symbols


def _panel(values: Any, name: str, shape: tuple[int, int]) -> Panel:
    try:
        panel = np.array(values, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise BarsError(f"{name} must hold real numbers only: {error}") from None
    if panel.shape != shape:
        raise BarsError(f"{name} has shape {panel.shape}, ts and symbols say {shape}")
    panel[np.isnan(panel)] = np.nan  # one bit pattern for all that is missing, so that equal bars have equal bytes
    panel += 0.0  # and one for zero
    wrong = np.isinf(panel) | (panel < 0.0 if name == "volume" else panel <= 0.0)
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        wanted = "not negative" if name == "volume" else "positive"
        raise BarsError(
            f"{name} is {panel[row, column]} at row {row}, column {column}, not finite and {wanted}",
            hint="NaN stands for a bar that is not there",
        )
    panel.flags.writeable = False
    return panel
