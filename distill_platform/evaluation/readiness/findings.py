"""What a finding is, and what is known of a world when a bundle is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """An error keeps a bundle from being judged; a warning makes its judgement worth less."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that a bundle lacks: a code for programs, what it means, and what to do."""

    code: str
    level: Level
    message: str
    quick_fix: str


@dataclass(frozen=True)
class WorldFacts:
    """What a bundle is held against of its world: data presets, and costs in basis points of what is traded or held."""

    world_id: str
    presets: tuple[str, ...]
    fee_bps: float
    slippage_bps: float
    funding_bps_daily: float


def error(code: str, message: str, quick_fix: str) -> Finding:
    """Return a finding that keeps the bundle from being judged."""
    return Finding(code, Level.ERROR, message, quick_fix)


def warning(code: str, message: str, quick_fix: str) -> Finding:
    """Return a finding that makes the judgement worth less."""
    return Finding(code, Level.WARNING, message, quick_fix)
