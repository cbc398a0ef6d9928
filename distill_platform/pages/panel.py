"""A panel: one figure with the message it carries, how to read it, and the numbers that belong to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Panel:
    """`svg` is "" where there is nothing to draw; `caption` then says why. `facts` are names with their values."""

    name: str
    title: str
    caption: str
    svg: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    wide: bool = False
