"""Measures: the numbers of a run that drift is told by, and how far two runs' numbers lie apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from distill_platform.refinery.settings import DriftSettings
from distill_platform.refinery.summary import in_order, total_counts
from distill_platform.store.receipts import StageReceipt

_SETTINGS = frozenset({"gates", "screening", "exports"})  # a release repeats its thresholds; they measure nothing


class Severity(StrEnum):
    """How much a change matters, least first."""

    OK = "ok"
    WARN = "warn"
    ALERT = "alert"

    @property
    def rank(self) -> int:
        """Return 0 for ok, growing with the severity."""
        return list(Severity).index(self)


def worst(severities: Iterable[Severity]) -> Severity:
    """Return the gravest of some severities; ok when there are none."""
    return max(severities, key=lambda severity: severity.rank, default=Severity.OK)


@dataclass(frozen=True)
class Metric:
    """One number of this run against the prior run's; `change` is a fraction of `prior` (0.25, not 25)."""

    name: str
    prior: float | None
    current: float
    change: float
    severity: Severity


def measure(receipts: Sequence[StageReceipt]) -> dict[str, float]:
    """Return a run's numbers by name, such as `evidence.quarantined.malformed_json`. Time is not among them."""
    numbers: dict[str, float] = {}
    for stage in in_order({receipt.stage for receipt in receipts}):
        own = [receipt for receipt in receipts if receipt.stage == stage]
        numbers |= {f"{stage}.{name}": value for name, value in _counted(own).items()}
        numbers |= {f"{stage}.{name}": value for name, value in _extra(own).items()}
    return numbers


def _counted(receipts: Sequence[StageReceipt]) -> dict[str, float]:
    counts = total_counts(receipts)
    numbers: dict[str, float] = {
        "rows_in": counts.rows_in,
        "rows_out": counts.rows_out,
        "deduplicated": counts.deduplicated,
        "skipped": sum(counts.skipped.values()),
        "quarantined": sum(counts.quarantined.values()),
    }
    numbers |= {f"skipped.{reason}": rows for reason, rows in counts.skipped.items()}
    return numbers | {f"quarantined.{reason}": rows for reason, rows in counts.quarantined.items()}


def _extra(receipts: Sequence[StageReceipt]) -> dict[str, float]:
    """Return the stage's own numbers over all partitions: counts are added, anything else is averaged."""
    found: dict[str, list[float]] = {}
    for receipt in receipts:
        for name, value in _numbers({k: v for k, v in receipt.extra.items() if k not in _SETTINGS}, ()):
            found.setdefault(name, []).append(value)
    return {
        name: sum(values) if all(isinstance(value, int) for value in values) else sum(values) / len(values)
        for name, values in found.items()
    }


def _numbers(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _numbers(item, (*path, str(name)))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield ".".join(path), value


def shapes(receipts: Sequence[StageReceipt]) -> dict[str, dict[str, float]]:
    """Return a run's distributions by name: verdicts, rows per stream, and reasons of quarantine per stage."""
    found: dict[str, dict[str, float]] = {}
    for stage in in_order({receipt.stage for receipt in receipts}):
        own = [receipt for receipt in receipts if receipt.stage == stage]
        numbers = _extra(own)
        found[f"{stage}.distance.quarantined"] = dict(total_counts(own).quarantined)
        categories = {name: rows for name, rows in numbers.items() if name.startswith("categories.")}
        streams = {name: rows for name, rows in numbers.items() if _counts_a_stream(name)}
        found |= {f"{stage}.distance.categories": categories} if categories else {}
        found |= {f"{stage}.distance.streams": streams} if streams else {}
    return found


def _counts_a_stream(name: str) -> bool:
    return name.startswith("health.") and name.endswith(".rows") and name.count(".") == 2


def distance(prior: Mapping[str, float], current: Mapping[str, float]) -> float:
    """Return the total variation distance of two distributions given as counts: 0 same shares, 1 nothing in common.

    Nothing against nothing is 0; nothing against something is 1.
    """
    before, now = sum(prior.values()), sum(current.values())
    if not before or not now:
        return float(bool(before) != bool(now))
    names = sorted({*prior, *current})
    return round(sum(abs(prior.get(name, 0) / before - current.get(name, 0) / now) for name in names) / 2, 9)


def change(prior: float, current: float) -> float:
    """Return the change as a fraction of the prior value; something out of nothing counts as 1.0."""
    if prior:
        return (current - prior) / abs(prior)
    return float(current > 0) - float(current < 0)


def compare(
    prior: Sequence[StageReceipt], current: Sequence[StageReceipt], settings: DriftSettings
) -> tuple[Metric, ...]:
    """Return every number and every distribution of two runs side by side."""
    before, now = measure(prior), measure(current)
    metrics = [
        _metric(name, before.get(name, 0), now.get(name, 0), change(before.get(name, 0), now.get(name, 0)), settings)
        for name in {**now, **before}
    ]
    old, new = shapes(prior), shapes(current)
    for name in {**new, **old}:
        moved = distance(old.get(name, {}), new.get(name, {}))
        metrics.append(_metric(name, 0.0, moved, moved, settings))
    return tuple(metrics)


def baseline(current: Sequence[StageReceipt]) -> tuple[Metric, ...]:
    """Return the numbers of a run that has nothing to be compared with."""
    return tuple(Metric(name, None, value, 0.0, Severity.OK) for name, value in measure(current).items())


def _metric(name: str, prior: float, current: float, moved: float, settings: DriftSettings) -> Metric:
    """Return a judged metric. A threshold of its own takes the place of `warn`, and of `alert` where it is higher."""
    warn = settings.metrics.get(name, settings.warn)
    alert = max(settings.alert, warn) if name in settings.metrics else settings.alert
    severity = Severity.ALERT if abs(moved) > alert else Severity.WARN if abs(moved) > warn else Severity.OK
    return Metric(name, prior, current, round(moved, 6), severity)
