"""Truths: what a simulated run is, and what a policy that is worth something must make of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase


class Truth(StrEnum):
    """What a run is, known because it was made that way."""

    GOOD = "good"
    NULL = "null"
    OVERFIT = "overfit"
    LEAKED = "leaked"
    COST_FREE = "cost_free"
    SHORT = "short"
    LEVERED = "levered"
    INACTIVE = "inactive"
    REGIME_DEPENDENT = "regime_dependent"
    UNSTABLE = "unstable"


class Outcome(StrEnum):
    """What became of a run: it passed without a word, passed with a warning or an alarm, or was stopped."""

    PASSED = "passed"
    WATCHED = "watched"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Nature:
    """How runs of a truth come about.

    `sharpe` is the true annual Sharpe ratio on days of a calm, an ordinary and a wild market. It is what is left after
    `share_of_costs` of all costs was earned back: 1 makes it the ratio after costs, 0 that before. `later` is what
    remains of the edge in the second half. `foresight` is the probability that a position knows its own step's sign
    beforehand. Exposure is `leverage` times what gives 10 % of volatility a year, on a share `active` of all holding
    periods, each of `shortest` to `longest` steps. `pays` says whether costs are recorded and paid at all.
    """

    sharpe: tuple[float, float, float] = (0.0, 0.0, 0.0)
    share_of_costs: float = 1.0
    later: float = 1.0
    foresight: float | None = None
    leverage: float = 1.0
    active: float = 1.0
    pays: bool = True
    days: int = 1566
    steps_per_day: int = 1
    shortest: int = 5
    longest: int = 20

    def weaker(self, share: float) -> Nature:
        """Return the same with a share of its edge: one of the variants that were tried beside it."""
        ratios = (self.sharpe[0] * share, self.sharpe[1] * share, self.sharpe[2] * share)
        foresight = None if self.foresight is None else 0.5 + (self.foresight - 0.5) * share
        return replace(self, sharpe=ratios, foresight=foresight)


@dataclass(frozen=True)
class Search:
    """How a run was found: among `declared` trials, of which `handed_in` are in the ledger.

    `is_best` says whether it was chosen for its Sharpe ratio among trials of one nature; else it is the first of them,
    beside weaker variants.
    """

    declared: int = 5
    handed_in: int = 5
    is_best: bool = False


@dataclass(frozen=True)
class Expected:
    """What must become of a run of a truth: one of `outcomes`, for one of `reasons` unless it is to pass.

    Reasons are metrics by full name, `*` for any text: that something said by policy names one of them shows that the
    run was seen for what it is, and not stopped by an accident.
    """

    outcomes: frozenset[Outcome]
    reasons: tuple[str, ...] = ()

    @property
    def must_pass(self) -> bool:
        """Return whether runs of this truth are to get through."""
        return Outcome.PASSED in self.outcomes

    def is_reason(self, metric: str) -> bool:
        """Return whether a metric speaks of what the run is."""
        return any(fnmatchcase(metric, pattern) for pattern in self.reasons)


def nature(truth: Truth) -> Nature:
    """Return how runs of a truth come about."""
    return _NATURES[truth]


def search(truth: Truth) -> Search:
    """Return how a run of a truth was found."""
    return _SEARCHES.get(truth, Search())


def expected(truth: Truth) -> Expected:
    """Return what a policy must make of a run of a truth."""
    return _EXPECTED[truth]


_SKILLED = (2.5, 2.5, 2.5)
_NATURES = {
    Truth.GOOD: Nature(_SKILLED),
    Truth.NULL: Nature(share_of_costs=0.0),
    Truth.OVERFIT: Nature(share_of_costs=0.0),
    Truth.LEAKED: Nature(foresight=0.85, shortest=1, longest=1),
    Truth.COST_FREE: Nature(share_of_costs=0.75, pays=False, steps_per_day=4, shortest=1, longest=1),
    Truth.SHORT: Nature((6.0, 6.0, 6.0), days=30),
    Truth.LEVERED: Nature(_SKILLED, leverage=8.0),
    Truth.INACTIVE: Nature(_SKILLED, active=0.02),
    Truth.REGIME_DEPENDENT: Nature((6.0, 6.0, -7.0)),
    Truth.UNSTABLE: Nature((5.5, 5.5, 5.5), later=0.0),
}
_SEARCHES = {Truth.NULL: Search(20, 20, is_best=True), Truth.OVERFIT: Search(500, 20, is_best=True)}

_PASSES = frozenset({Outcome.PASSED, Outcome.WATCHED})
_IS_SEEN = frozenset({Outcome.WATCHED, Outcome.STOPPED})
_IS_STOPPED = frozenset({Outcome.STOPPED})
_LUCK = (
    "robustness.deflated_sharpe_ratio", "robustness.pbo", "robustness.reality_check_p", "cohort.dsr_median",
)  # fmt: skip
_EXPECTED = {
    Truth.GOOD: Expected(_PASSES),
    Truth.NULL: Expected(
        _IS_STOPPED,
        (
            *_LUCK, "returns.sharpe_daily", "robustness.probabilistic_sharpe_ratio", "robustness.bootstrap_p_positive",
            "cohort.sharpe_median", "stress.*.net_sharpe",
        ),
    ),
    Truth.OVERFIT: Expected(_IS_STOPPED, _LUCK),
    Truth.LEAKED: Expected(
        _IS_STOPPED,
        ("returns.sharpe_daily", "returns.sharpe_step_raw", "returns.gain_to_pain_ratio"),
    ),
    Truth.COST_FREE: Expected(
        _IS_STOPPED,
        ("invariants.fee_nonzero", "invariants.friction_recorded", "triage.integrity_broken", "gaming.cost_change"),
    ),
    Truth.SHORT: Expected(_IS_STOPPED, ("sample.*", "triage.sample_starved", "robustness.min_track_record_days")),
    Truth.LEVERED: Expected(
        _IS_STOPPED,
        (
            "returns.max_drawdown", "returns.var_*", "returns.es_*", "returns.annual_volatility", "risk.max_exposure",
            "risk.mean_exposure", "risk.incremental_*", "portfolio.marginal_*", "stress.*.max_drawdown",
            "stress.*.es_99",
        ),
    ),
    Truth.INACTIVE: Expected(
        _IS_STOPPED, ("triage.no_activity", "triage.zero_trades", "gaming.pass_by_inactivity", "sample.n_trades_*")
    ),
    Truth.REGIME_DEPENDENT: Expected(_IS_SEEN, ("regime.*", "stress.worst_regime.*")),
    Truth.UNSTABLE: Expected(
        _IS_SEEN, ("robustness.sharpe_gap", "robustness.sharpe_second_half", "wf.*", "live.decay_ratio")
    ),
}  # fmt: skip
