"""The case of a candidate: everything that its promotion is decided on, as values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from distill_platform.core.errors import ModelError
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.forward_window import Opening
from distill_platform.models.frames import Floats, FrameVersions, Integers
from distill_platform.models.information import DailyValues
from distill_platform.models.validation.windows import Window
from distill_platform.stats import daily_returns_utc, drawdown, sharpe_daily_annualized, utc_days
from distill_platform.strategies.words import DataRegime, RunSource, ScoreSource


@dataclass(frozen=True, eq=False)
class WindowResult:
    """What a contender made in one window, after all costs.

    `daily` are its net returns by UTC day, of every day on which it has steps: an outage is no day that passed well.
    `pnl_after_cost` is the sum of its net returns, as a share of equity, `max_drawdown` a positive share of the highest
    equity in the window, `sharpe` by the year. NaN is what nobody could compute, and refuses a promotion.
    """

    window: Window
    daily: DailyValues = field(repr=False)
    pnl_after_cost: float
    max_drawdown: float
    sharpe: float

    @property
    def days(self) -> int:
        """Return the number of UTC days."""
        return len(self.daily.days)

    @property
    def stood_still(self) -> bool:
        """Return whether no day made or lost anything: such a contender has no Sharpe ratio, and that is no flaw."""
        return bool((self.daily.values == 0.0).all())


@dataclass(frozen=True, eq=False)
class ContenderRun:
    """A run of a candidate or a control arm, as it was handed in; None for a window that it does not cover.

    `run_source`, `score_source` and `data_regime` are as they were written, in whatever spelling. `fitted` is the time
    that its model knows, to the end of its last label; `versions` are those of the frame that it scored.
    """

    artifact: ArtifactReference
    policy: str | None
    run_source: str
    score_source: str
    data_regime: str
    fitted: Window
    versions: FrameVersions
    declared_trials: int
    validation: WindowResult | None
    forward: WindowResult | None

    @property
    def counts(self) -> bool:
        """Return whether the run may move a decision: of production, scored by a model, on live data, to the letter."""
        return not self.excluded_by

    @property
    def excluded_by(self) -> tuple[str, ...]:
        """Return by what the run does not count, such as `run_source=smoke`; empty for one that does."""
        wanted = {
            "run_source": RunSource.PROD.value,
            "score_source": ScoreSource.MODEL.value,
            "data_regime": DataRegime.PROD_LIVE.value,
        }
        return tuple(f"{name}={getattr(self, name)}" for name, word in wanted.items() if getattr(self, name) != word)


@dataclass(frozen=True)
class WorldVerdict:
    """What the world that judges the candidate's run says of it; `gates` are statuses by stage."""

    status: str
    gates: Mapping[str, str]
    counts_for_release: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class GuardFindings:
    """What the guards say of the candidate's training.

    `p_value` is that of its procedure against labels shuffled in blocks, NaN where it was not computed. `leaks` and
    `suspicious` name features, None where nobody looked. `teacher_was_out_of_fold` is None where there is no proof.
    """

    p_value: float
    leaks: tuple[str, ...] | None
    suspicious: tuple[str, ...] | None
    teacher_was_out_of_fold: bool | None


@dataclass(frozen=True, eq=False)
class PromotionCase:
    """A candidate, the arms that it has to beat, and what is known of both.

    `arms` are the line's frozen control arms. `runs` are all that were handed in, of whomever; those that do not count
    change nothing. `sealed` are the versions in the candidate's manifest, `online` those of the frames that are scored
    daily. `honest_trials` is how many were tried for it in truth, by the trials' own book. What is not known is None.
    `asks_less` says where its line asks less than usual: it decides nothing, and whoever approves has to see it.
    """

    candidate: ArtifactReference
    policy: str | None
    arms: Mapping[str, ArtifactReference]
    runs: tuple[ContenderRun, ...] = field(repr=False)
    sealed: FrameVersions
    online: FrameVersions | None
    verdict: WorldVerdict | None
    findings: GuardFindings | None
    opening: Opening | None
    honest_trials: int | None
    asks_less: tuple[str, ...] = ()


def window_result(ts: Integers, ret_net: Floats, window: Window) -> WindowResult:
    """Return what a run made in a window, from the net return of each step and the moment at which it ends, shape (T,).

    A step belongs to a window when it ends after the window's start and not after its end. Raises ModelError for a
    window without any step, and for returns that are not finite or below -1.
    """
    inside = (ts > window.start_ns) & (ts <= window.end_ns)
    returns = np.asarray(ret_net, dtype=np.float64)[inside]
    if not len(returns) or not np.isfinite(returns).all() or returns.min() < -1.0:
        raise ModelError(f"a run has no finite returns in [{window.start_ns}, {window.end_ns})")
    ends = ts[inside].astype("datetime64[ns]")
    days = np.unique(utc_days(ends))
    return WindowResult(
        window,
        DailyValues(days, daily_returns_utc(ends, returns, fill_missing=False)),
        math.fsum(returns),
        -drawdown(returns).max_drawdown,
        sharpe_daily_annualized(ends, returns),
    )
