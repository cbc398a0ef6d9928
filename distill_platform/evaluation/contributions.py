"""Node contributions: what a part of a strategy adds, by comparing the run with the same run without that part."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.core.canon import sig_hash
from distill_platform.evaluation.metrics.daily import DAYS_PER_YEAR, Days
from distill_platform.evaluation.metrics.regime import REGIMES, Labels, volatility_terciles
from distill_platform.evaluation.metrics.robustness import seed_of
from distill_platform.stats import ConfidenceInterval, IntervalMethod, bootstrap_mean, bootstrap_statistic, sharpe
from distill_platform.strategies.bundles.manifest import RunManifest

FEWEST_DAYS = 60
FEWEST_REGIME_DAYS = 21
REGIME_WINDOW_DAYS = 63
RESAMPLES = 1_000
_LEVEL = 0.95
_UNDEFINED = ConfidenceInterval(math.nan, math.nan, _LEVEL, IntervalMethod.PERCENTILE)

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AblatedRun:
    """A run, whole or without a part: its manifest and its net returns by UTC day.

    `market` are the returns by which its regimes are told apart on the same days: the benchmark's, or its own gross
    ones. Of a run without a part they are not read.
    """

    manifest: RunManifest
    days: Days = field(repr=False)
    net: Numbers = field(repr=False)
    market: Numbers = field(repr=False)


@dataclass(frozen=True)
class Contribution:
    """What one part adds: the whole run less the run without it, on their common days.

    `kind` is group, node or subgraph, `stub` what stood in for the part. `mean` is per day, `sharpe` annual; both with
    95 % intervals of a paired stationary bootstrap. `by_regime` is the annual Sharpe uplift on calm, ordinary and
    volatile days. NaN where there are too few days.
    """

    base_run_id: str
    run_id: str
    kind: str
    part: str
    stub: str
    n_days: int
    mean: float
    mean_low: float
    mean_high: float
    sharpe: float
    low: float
    high: float
    by_regime: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class CohortContribution:
    """What one part adds over the runs of a cohort: mean annual Sharpe uplift, and in which share it is above 0.

    `proven` is the share whose whole interval is above 0. `by_regime` holds the means by regime, and `helps_only_in`
    the regimes with a positive one, unless it helps in all of them or in none.
    """

    kind: str
    part: str
    stub: str
    n: int
    sharpe: float
    positive: float
    proven: float
    by_regime: tuple[tuple[str, float], ...]
    helps_only_in: tuple[str, ...]


def node_contributions(base: AblatedRun, runs: Iterable[AblatedRun]) -> tuple[Contribution, ...]:
    """Return what each part of `base` adds, by kind, part, stub and run_id, whatever the order of `runs`.

    Its variants are the runs that name it as parent and say what was taken out; all others are left alone. A variant
    that never holds anything has a Sharpe ratio of 0: without the part there is no strategy. The bootstrap draws days
    of both runs together (Politis and Romano 1994), seeded by their returns.
    """
    parent = base.manifest.run_id
    mine = [run for run in runs if run.manifest.parent_run_id == parent and run.manifest.ablation_spec is not None]
    labels = volatility_terciles(base.market, REGIME_WINDOW_DAYS)
    found = [_contribution(base, run, labels) for run in mine]
    return tuple(sorted(found, key=lambda each: (each.kind, each.part, each.stub, each.run_id)))


def cohort_contributions(contributions: Iterable[Contribution]) -> tuple[CohortContribution, ...]:
    """Return the contributions of a cohort by kind, part and stub; those without a number do not count."""
    parts: dict[tuple[str, str, str], list[Contribution]] = defaultdict(list)
    for each in contributions:
        if math.isfinite(each.sharpe):
            parts[each.kind, each.part, each.stub].append(each)
    return tuple(_of_cohort(*key, parts[key]) for key in sorted(parts))


def _contribution(base: AblatedRun, run: AblatedRun, labels: Labels) -> Contribution:
    common = np.isin(base.days, run.days)
    pair = np.column_stack([base.net[common], run.net[np.isin(run.days, base.days)]])
    kind, part, stub = _what(run.manifest.ablation_spec or {})
    yearly = _yearly(base)
    mean, mean_interval = _mean_uplift(pair)
    ratio, interval = _sharpe_uplift(pair, yearly)
    return Contribution(
        base.manifest.run_id, run.manifest.run_id, kind, part, stub, len(pair),
        mean, mean_interval.lower, mean_interval.upper, ratio, interval.lower, interval.upper,
        tuple(_by_regime(pair, labels[common], yearly)),
    )  # fmt: skip


def _what(spec: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return kind and name of the part that was taken out, and the stub; an unknown form goes by its hash."""
    target, stub = spec.get("target"), str(spec.get("stub", ""))
    if isinstance(target, Mapping) and len(target) == 1:
        kind, name = next(iter(target.items()))
        return str(kind), str(name), stub
    return "spec", sig_hash(dict(spec))[:12], stub


def _yearly(run: AblatedRun) -> float:
    if len(run.days) == 0:
        return math.nan
    calendar = int((run.days[-1] - run.days[0]).astype(np.int64)) + 1
    return math.sqrt(DAYS_PER_YEAR * len(run.days) / calendar)


def _mean_uplift(pair: Numbers) -> tuple[float, ConfidenceInterval]:
    if len(pair) < FEWEST_DAYS:
        return math.nan, _UNDEFINED
    found = bootstrap_mean(pair[:, 0] - pair[:, 1], RESAMPLES, seed=_seed(pair))
    return found.estimate, found.confidence_interval(_LEVEL)


def _sharpe_uplift(pair: Numbers, yearly: float) -> tuple[float, ConfidenceInterval]:
    """Return the difference of the two annual Sharpe ratios and its interval."""
    if len(pair) < FEWEST_DAYS:
        return math.nan, _UNDEFINED
    centre = pair.mean(axis=0)
    terms = np.column_stack([pair - centre, (pair - centre) ** 2])

    def uplift(means: Numbers) -> Numbers:
        return yearly * (_ratios(means, centre, terms, 0) - _ratios(means, centre, terms, 1))

    found = bootstrap_statistic(terms, uplift, RESAMPLES, seed=_seed(pair))
    return found.estimate, found.confidence_interval(_LEVEL)


def _ratios(means: Numbers, centre: Numbers, terms: Numbers, column: int) -> Numbers:
    """Return Sharpe ratios per day from means of deviations and of their squares; 0 for a run that holds nothing."""
    if centre[column] == 0.0 and not terms[:, column].any():
        return np.zeros(len(means))
    variances = means[:, 2 + column] - means[:, column] ** 2
    variances[variances <= 1e-12 * float(terms[:, 2 + column].mean())] = math.nan
    ratios: Numbers = (centre[column] + means[:, column]) / np.sqrt(variances * len(terms) / (len(terms) - 1))
    return ratios


def _by_regime(pair: Numbers, labels: Labels, yearly: float) -> Iterator[tuple[str, float]]:
    for place, name in enumerate(REGIMES):
        days = pair[labels == place]
        enough = len(days) >= FEWEST_REGIME_DAYS
        yield name, (_sharpe(days[:, 0]) - _sharpe(days[:, 1])) * yearly if enough else math.nan


def _sharpe(net: Numbers) -> float:
    return sharpe(net) if net.any() else 0.0


def _seed(pair: Numbers) -> int:
    return seed_of(pair.ravel())


def _of_cohort(kind: str, part: str, stub: str, found: Sequence[Contribution]) -> CohortContribution:
    regimes = tuple((name, _mean([dict(each.by_regime)[name] for each in found])) for name in REGIMES)
    helped = tuple(name for name, uplift in regimes if uplift > 0.0)
    return CohortContribution(
        kind, part, stub, len(found),
        sharpe=_mean([each.sharpe for each in found]),
        positive=sum(each.sharpe > 0.0 for each in found) / len(found),
        proven=sum(each.low > 0.0 for each in found) / len(found),
        by_regime=regimes,
        helps_only_in=helped if 0 < len(helped) < len(REGIMES) else (),
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return math.fsum(known) / len(known) if known else math.nan
