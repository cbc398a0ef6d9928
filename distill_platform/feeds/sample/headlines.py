"""Headlines of the sample market: stories told by several outlets, some of them again and in other words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from distill_platform.feeds.market_bars import MOMENT

HEADLINES = pa.schema(
    [
        pa.field("published_at", MOMENT, nullable=False),
        pa.field("outlet", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
    ]
)

_HOUR_US = 3_600_000_000
_MINUTE_US = 60_000_000
_OUTLETS = ("ledgerwire.example", "thecoinpost.example", "marketmill.example")
_NAMES = ("Aldera", "Borealis", "Cindra", "Doriath", "Elandor", "Fennric")
_GOOD = (
    "{name} surges after {firm} partnership wins approval",
    "{name} rallies as {firm} reports record growth",
    "{name} gains on strong demand from {firm}",
    "{name} jumps after {firm} launches bullish upgrade",
)
_BAD = (
    "{name} plunges after {firm} discloses hack",
    "{name} falls as {firm} faces fraud lawsuit",
    "{name} slumps on weak demand from {firm}",
    "{name} drops after {firm} warns of losses",
)
_NEUTRAL = (
    "{name} foundation publishes its calendar with {firm}",
    "What {firm} said about {name} this week",
    "{name} holds its yearly meeting at {firm}",
)
_FIRMS = ("Harrow Bank", "Nimbus Labs", "Osprey Capital", "Quill Pay", "Tarn Exchange", "Vesper Fund", "Wold Mining")
_GENERAL = (
    "Markets wait for the central bank",
    "Regulators publish a report on custody",
    "Ethernet switch maker raises its forecast",
)
_TOLD_AGAIN = 0.3
_GENERAL_PER_STORY = 0.1


class Story(NamedTuple):
    """What is reported in an hour: of which symbol, and whether it is good (1), bad (-1) or neither for it."""

    hour: int
    symbol: int
    tone: int


def told(
    stories: Sequence[Story], symbols: Sequence[str], start_us: int, dice: np.random.Generator
) -> list[dict[str, Any]]:
    """Return the headlines of all stories, oldest first: within the hour, a third of them told again later."""
    rows: list[dict[str, Any]] = []
    for number, story in enumerate(stories):
        title = _title(story, dice)
        at = start_us + story.hour * _HOUR_US + int(dice.integers(1, 50)) * _MINUTE_US
        outlets = dice.permutation(len(_OUTLETS))
        rows.append(_headline(at, _OUTLETS[outlets[0]], title, number))
        if dice.random() < _TOLD_AGAIN:
            later = at + int(dice.integers(20, 600)) * _MINUTE_US
            rows.append(
                _headline(later, _OUTLETS[outlets[1]], f"{title}, {symbols[story.symbol][:3]} holders say", number)
            )
        if dice.random() < _GENERAL_PER_STORY:
            rows.append(_headline(at + _MINUTE_US, _OUTLETS[outlets[2]], str(dice.choice(_GENERAL)), number))
    return sorted(rows, key=lambda row: (row["published_at"], row["url"]))


def _title(story: Story, dice: np.random.Generator) -> str:
    templates = {1: _GOOD, -1: _BAD, 0: _NEUTRAL}[story.tone]
    chosen = templates[int(dice.integers(len(templates)))]
    return chosen.format(name=_NAMES[story.symbol], firm=_FIRMS[int(dice.integers(len(_FIRMS)))])


def _headline(at_us: int, outlet: str, title: str, number: int) -> dict[str, Any]:
    url = f"https://{outlet}/{number}-{'-'.join(title.lower().split()[:4])}"
    return {"published_at": at_us, "outlet": outlet, "title": title, "url": url}
