"""What a report shows: values only. No clock, no arrival day, no path; so the same bundles give the same bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt

from distill_platform.policy.gates import GateResult
from distill_platform.policy.rules.result import RuleResult
from distill_platform.policy.words import RecommendedStage, Status
from distill_platform.strategies.bundles.manifest import RunManifest

Days = npt.NDArray[np.datetime64]
Numbers = npt.NDArray[np.float64]
Metric = float | int | bool | str | None


@dataclass(frozen=True)
class PolicyView:
    """The policy that judged: which version of which world's, by hash, and the profile that applied to the stage."""

    version: int
    ruleset_hash: str
    profile: str
    risk_tier: str


@dataclass(frozen=True)
class SummaryView:
    """The verdict of all rules together."""

    status: Status
    recommended_stage: RecommendedStage


@dataclass(frozen=True)
class DailyView:
    """Returns per UTC day with steps, oldest first: net of costs, and before them."""

    days: Days
    net: Numbers
    gross: Numbers


@dataclass(frozen=True)
class FoldView:
    """One fold of the search: a span of time, what was made on it in sample and out of sample (NaN: not run)."""

    fold: int
    split: str
    start: datetime
    end: datetime
    pnl_is: float
    pnl_oos: float


@dataclass(frozen=True)
class ScenarioView:
    """One line of the stress grid, with the bounds of the policy where it has any (None: not bounded)."""

    name: str
    net_sharpe: float
    max_drawdown: float
    es_99: float
    total_return: float
    min_net_sharpe: float | None = None
    max_drawdown_limit: float | None = None
    max_es_99: float | None = None


@dataclass(frozen=True)
class CostView:
    """Annual net Sharpe ratio at costs added to those of the run, in bps of what is traded, and where it reaches 0."""

    curve: tuple[tuple[float, float], ...]
    breakeven_bps: float


@dataclass(frozen=True)
class TrialsView:
    """What was tried before this run was chosen, and what is left of its Sharpe ratio then. Ratios are annual.

    `n` is the honest number of trials; `expected_max_sharpe` is what the best of that many without skill would show.
    """

    n: int
    declared: int
    distinct: int
    ablations: int
    duplicates: int
    expected_max_sharpe: float
    sharpe: float
    dsr: float
    pbo: float
    reality_check_p: float

    @property
    def counted(self) -> str:
        """Return the honest number of trials and what it is made of, in words."""
        return f"{self.n:,} ({self.made_of})"

    @property
    def made_of(self) -> str:
        """Return what the number of trials is made of, in words."""
        parts = [(self.declared, "declared"), (self.distinct, "distinct"), (self.ablations, "ablations")]
        parts += [(self.duplicates, "repeated")] if self.duplicates else []
        return ", ".join(f"{number:,} {name}" for number, name in parts)


@dataclass(frozen=True)
class GamingView:
    """One way to pass without being good. `raised` is None where nobody could look, which is not the same as no."""

    flag: str
    raised: bool | None
    sentence: str


@dataclass(frozen=True)
class RegimeView:
    """The run on the days of one market regime; the Sharpe ratio and its standard error are annual."""

    name: str
    days: int
    sharpe: float
    standard_error: float
    total_return: float
    max_drawdown: float


@dataclass(frozen=True)
class CorrelationView:
    """How closely the run moves with another strategy: on all days, and on the worst ones."""

    strategy_id: str
    correlation: float
    tail_correlation: float


@dataclass(frozen=True)
class ContributionView:
    """What a node or group of nodes adds to the annual Sharpe ratio (full run less the run without it), with bounds."""

    name: str
    uplift: float
    low: float
    high: float
    by_regime: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class ReleaseView:
    """Whether this run's verdict counts for a release: `reasons` why not, and how many of the cohort do not either."""

    reasons: tuple[str, ...]
    counted: int
    excluded: tuple[tuple[str, int], ...]

    @property
    def counts(self) -> bool:
        """Return whether the verdict counts."""
        return not self.reasons


@dataclass(frozen=True)
class TriageView:
    """Where to look first."""

    tags: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class ReportView:
    """Everything a report says about one run. What was not measured is NaN, None or empty, and is shown as such."""

    manifest: RunManifest
    bundle_sha256: str
    policy: PolicyView
    metrics: Mapping[str, Metric]
    broken: tuple[str, ...]
    notes: tuple[str, ...]
    daily: DailyView
    folds: tuple[FoldView, ...]
    scenarios: tuple[ScenarioView, ...]
    costs: CostView
    trials: TrialsView
    results: tuple[RuleResult, ...]
    gates: tuple[GateResult, ...]
    summary: SummaryView
    gaming: tuple[GamingView, ...]
    regimes: tuple[RegimeView, ...]
    correlations: tuple[CorrelationView, ...]
    contributions: tuple[ContributionView, ...]
    release: ReleaseView
    triage: TriageView

    def number(self, name: str) -> float:
        """Return a metric as a number; NaN for one that is missing or is none."""
        value = self.metrics.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan

    def group(self, prefix: str) -> dict[str, Metric]:
        """Return the metrics of a group by their names within it, sorted."""
        start = f"{prefix}."
        return {name.removeprefix(start): self.metrics[name] for name in sorted(self.metrics) if name.startswith(start)}

    @cached_property
    def windows(self) -> tuple[tuple[str, datetime, datetime], ...]:
        """Return the spans of time that each split covers, earliest first; those that overlap are joined."""
        joined: list[tuple[str, datetime, datetime]] = []
        for fold in sorted(self.folds, key=lambda fold: (fold.split, fold.start, fold.end)):
            if joined and joined[-1][0] == fold.split and fold.start <= joined[-1][2]:
                joined[-1] = (fold.split, joined[-1][1], max(fold.end, joined[-1][2]))
            else:
                joined.append((fold.split, fold.start, fold.end))
        return tuple(sorted(joined, key=lambda span: (span[1], span[2], span[0])))
