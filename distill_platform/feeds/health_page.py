"""The health page: how every source did, on the newest day and day by day, and what each of them owes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import pyarrow as pa

from distill_platform.feeds.breaker import BreakerStatus
from distill_platform.pages.rendering import render
from distill_platform.pages.sparkline import sparkline
from distill_platform.pages.wording import count, percent, ratio, several, visible

_PACKAGE = "distill_platform.feeds"
_UNKNOWN = "–"
_UNMEASURED = "Nothing was measured on this day, and what is not known is no pass."
_MEASURES = ("Gave data", "Lag, p95", "Latency, p95", "Attempts")


@dataclass(frozen=True, eq=False)
class HealthDay:
    """The tables `health` and `breaches` of one UTC day (`schemas.HEALTH`, `schemas.BREACHES`)."""

    day: date
    health: pa.Table = field(repr=False)
    breaches: pa.Table = field(repr=False)

    @cached_property
    def by_source(self) -> dict[str, dict[str, Any]]:
        """Return the row of each source."""
        return {row["source"]: row for row in self.health.to_pylist()}

    @cached_property
    def owed(self) -> dict[str, list[str]]:
        """Return the breaches of each source that has any."""
        found: dict[str, list[str]] = {}
        for row in self.breaches.to_pylist():
            found.setdefault(row["source"], []).append(row["breach"])
        return found


def health_page(days: Sequence[HealthDay]) -> str:
    """Return one self-contained HTML page over days in any order; a source without a row on the newest day owes it."""
    ordered = sorted(days, key=lambda one: one.day)
    sources = sorted({source for one in ordered for source in (*one.by_source, *one.owed)})
    newest = ordered[-1] if ordered else None
    owed = {} if newest is None else _owed(newest, sources)
    owing = [source for source in sources if newest is None or newest.by_source.get(source, {}).get("owes", True)]
    return render(
        _PACKAGE,
        "health.html",
        status="fail" if owed or not sources else "pass" if owing else "closed",
        verdict="In breach" if owed else "Nothing measured" if not sources else "Sound" if owing else "History",
        headline=_headline(sources, owing, owed),
        span=f"{ordered[0].day} to {ordered[-1].day}" if ordered else "no day",
        day="" if newest is None else str(newest.day),
        owed=[(visible(source), " ".join(map(visible, owed[source]))) for source in sources if source in owed],
        rows=[] if newest is None else [_row(source, newest.by_source.get(source), owed) for source in sources],
        measures=_MEASURES,
        lines=[_line(source, ordered) for source in sources],
        breaches=_breaches(ordered),
    )


def _owed(newest: HealthDay, sources: Sequence[str]) -> dict[str, list[str]]:
    missing = {source: [_UNMEASURED] for source in sources if source not in newest.by_source}
    return {**newest.owed, **{source: [*newest.owed.get(source, []), *said] for source, said in missing.items()}}


def _headline(sources: Sequence[str], owing: Sequence[str], owed: Mapping[str, Sequence[str]]) -> str:
    if not sources:
        return "No source was measured on any day."
    if owed:
        return f"{several(len(owed), 'source')} of {len(sources)} gave less than owed."
    if not owing:
        return f"{several(len(sources), 'source')} of history, which owe nothing."
    history = f" {several(len(sources) - len(owing), 'source')} of history beside." if len(owing) < len(sources) else ""
    return f"{several(len(owing), 'source')}: each gave what it owes.{history}"


def _row(source: str, health: Mapping[str, Any] | None, owed: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return a source as the table shows it, dashes for what was not there to be measured."""
    found: Mapping[str, Any] = health or {}
    sound = ("pass", "sound") if found.get("owes", True) else ("closed", "history")
    status, verdict = ("fail", "in breach") if source in owed else sound
    shown = {"source": visible(source), "status": status, "verdict": verdict}
    counts = ("tier", "attempts", "empty", "failures", "rate_limited", "held_back")
    return {
        **shown,
        **{name: _UNKNOWN if found.get(name) is None else count(found[name]) for name in counts},
        "confidence": _UNKNOWN if found.get("confidence") is None else ratio(found["confidence"]),
        "breaker": _breaker(found.get("breaker")),
        "success_rate": _UNKNOWN if found.get("success_rate") is None else percent(found["success_rate"]),
        "latency": f"{_seconds(found.get('latency_p50_s'))}, {_seconds(found.get('latency_p95_s'))}",
        "lag": f"{_seconds(found.get('lag_p50_s'))}, {_seconds(found.get('lag_p95_s'))}",
    }


def _line(source: str, days: Sequence[HealthDay]) -> dict[str, Any]:
    """Return what a source did day by day, as sparklines with the newest value beside each."""
    rows = [one.by_source.get(source, {}) for one in days]
    kinds = (("success_rate", _share), ("lag_p95_s", _seconds), ("latency_p95_s", _seconds), ("attempts", _number))
    sparks = []
    for (column, write), name in zip(kinds, _MEASURES, strict=True):
        values = [math.nan if row.get(column) is None else float(row[column]) for row in rows]
        drawn = sparkline(values, f"{name} of {visible(source)} over {several(len(days), 'day')}")
        sparks.append((drawn, write(rows[-1].get(column))))
    breached = sum(source in one.owed for one in days)
    return {"source": visible(source), "sparks": sparks, "breached": f"{breached} of {len(days)}"}


def _breaches(days: Sequence[HealthDay]) -> list[tuple[str, str, str]]:
    return [
        (str(one.day), visible(source), visible(breach))
        for one in reversed(days)
        for source in sorted(one.owed)
        for breach in one.owed[source]
    ]


def _breaker(status: str | None) -> str:
    words = {
        BreakerStatus.CLOSED.value: "closed",
        BreakerStatus.OPEN.value: "open: not asked",
        BreakerStatus.HALF_OPEN.value: "half open: being tried",
    }
    return _UNKNOWN if status is None else words.get(status, visible(status))


def _share(value: float | None) -> str:
    return _UNKNOWN if value is None else percent(value)


def _number(value: float | None) -> str:
    return _UNKNOWN if value is None else count(value)


def _seconds(value: float | None) -> str:
    """Return a duration in the unit in which it is read: "420 ms", "42.0 s", "3.5 min", "5.0 h"."""
    if value is None or math.isnan(value):
        return _UNKNOWN
    if value < 1.0:
        return f"{count(1000 * value)} ms"
    for unit, length in (("d", 172_800.0), ("h", 7_200.0), ("min", 120.0)):
        if value >= length:
            return f"{ratio(value / _LENGTHS[unit], 1)} {unit}"
    return f"{ratio(value, 1)} s"


_LENGTHS = {"d": 86_400.0, "h": 3_600.0, "min": 60.0}
