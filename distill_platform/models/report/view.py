"""What a model's report shows: values only. No clock, no path; so the same week gives the same bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from distill_platform.models.chain.entrants import Role
from distill_platform.models.frames import Floats, FrameVersions

Days = npt.NDArray[np.datetime64]


class Decision(StrEnum):
    """What the platform says of a model. It recommends; a named person decides."""

    RECOMMENDED = "recommended"
    REFUSED = "refused"
    NOT_UP = "not_up"
    """A control arm or an ablation: it is there to be compared with, and is never promoted."""


class InformationUnit(StrEnum):
    """What a day with events is compared with a day without by."""

    NET_RETURN = "net_return_per_day"
    RANK_CORRELATION = "rank_ic_per_day"


@dataclass(frozen=True)
class ReasonView:
    """Why a model is refused: the code, a sentence, what was observed and what was needed (None: no value)."""

    code: str
    sentence: str
    observed: float | int | str | None = None
    threshold: float | int | str | None = None


@dataclass(frozen=True)
class VerdictView:
    """What the platform says of the model, every reason why not, and where its line asks less than usual."""

    decision: Decision
    reasons: tuple[ReasonView, ...] = ()
    asks_less: tuple[str, ...] = ()


@dataclass(frozen=True)
class IdentityView:
    """Which model this is. `week` is the Monday of its last week; it was fitted on [fitted_from, fitted_to)."""

    line: str
    week: str
    name: str
    role: Role
    kind: str
    policy: str | None
    version: str
    artifact_sha256: str
    run_id: str
    world_id: str
    symbols: tuple[str, ...]
    fitted_from: datetime
    fitted_to: datetime
    seeds: tuple[tuple[str, int], ...]
    code_version: str


@dataclass(frozen=True)
class WindowView:
    """One of the three windows of a training week, [start, end)."""

    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class ResultView:
    """What one contender made in one window after costs; fractions of equity, `sharpe` a year, NaN where unknown.

    `turnover` is what was traded in the window, in multiples of equity; `costs` is what trading and holding cost.
    """

    contender: str
    window: str
    net: float
    costs: float
    sharpe: float
    max_drawdown: float
    turnover: float
    days: int


@dataclass(frozen=True)
class FoldView:
    """A fold of the search window, and how the model of its training rows did on its test rows; NaN where unknown.

    `policy` is what the other folds chose for this one, "" for a model that blends nothing. Squared errors are those of
    the scores and of the training rows' mean label.
    """

    fold: int
    train_rows: int
    test_rows: int
    purged_rows: int
    embargoed_rows: int
    overlaps: int
    rank_ic: float
    mse: float = math.nan
    null_mse: float = math.nan
    policy: str = ""


@dataclass(frozen=True, eq=False)
class NullView:
    """The mean rank correlation that the procedure reached, and `values`, shape (B,), on labels moved in blocks."""

    observed: float
    values: Floats = field(repr=False)
    p_value: float
    block_bars: int


@dataclass(frozen=True)
class LearningView:
    """The losses of each epoch, and the one whose network was kept, counted from 1; 0 where none was."""

    train: tuple[float, ...]
    validation: tuple[float, ...]
    best_epoch: int


@dataclass(frozen=True)
class CalibrationView:
    """Rows in groups of rising scores: mean score, mean label and its standard error over blocks of time, and rows."""

    scores: tuple[float, ...]
    labels: tuple[float, ...]
    errors: tuple[float, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class CostCurveView:
    """Net profit, a fraction of equity, if all costs were multiplied; `breakeven` is the multiple that leaves nothing.

    It is NaN where nothing was paid, and 0 or less where there was no gross profit to pay costs from.
    """

    curve: tuple[tuple[float, float], ...]
    gross: float
    costs: float
    breakeven: float


@dataclass(frozen=True, eq=False)
class EquityView:
    """Net returns of one contender by UTC day, oldest first, over validation and forward window."""

    contender: str
    role: Role
    days: Days = field(repr=False)
    net: Floats = field(repr=False)


@dataclass(frozen=True)
class ImportanceView:
    """Features by how much they move the scores, the strongest first: signed mean sizes, in units of the score.

    `features` of `total` are shown; the sign is that of the relation. `rows` is how many rows that was seen on.
    """

    features: tuple[tuple[str, float], ...]
    total: int
    rows: int


@dataclass(frozen=True)
class DriftView:
    """How far one feature has moved, and how far it moved in all but the fewest weeks of its own history."""

    feature: str
    statistic: float
    threshold: float

    @property
    def share(self) -> float:
        """Return the statistic in multiples of its threshold, above 1 for a feature that drifted; NaN if unknown."""
        return self.statistic / self.threshold if self.threshold > 0.0 else math.nan


@dataclass(frozen=True)
class InformationView:
    """What events were worth out of sample: mean daily gain in `unit` over the same model without, 95 % interval."""

    estimate: float
    low: float
    high: float
    p: float
    days: int
    unit: InformationUnit


@dataclass(frozen=True)
class OpeningView:
    """One look at the forward window, or at a part of it: who took it, when, and with how many candidates."""

    number: int
    lineage: str
    opened_at: datetime
    opened_by: str
    candidates: int


@dataclass(frozen=True)
class TrialsView:
    """What was tried before this model was chosen.

    `declared` counts every trial of its training, pruned and failed ones too; `seen` the candidates that ever saw a
    part of the forward window, in whatever lineage; `openings` are those looks, oldest first.
    """

    declared: int
    seen: int
    openings: tuple[OpeningView, ...]


@dataclass(frozen=True)
class FindingView:
    """A feature that knows what it cannot, and how it gave itself away."""

    feature: str
    sentence: str


@dataclass(frozen=True)
class ContractView:
    """What the model must be fed with, and what proves its training. `teacher_proof` is None without a teacher."""

    versions: FrameVersions
    tokens: int
    channels: int
    train_report_sha256: str
    teacher_proof: str | None


@dataclass(frozen=True, eq=False)
class ModelReportView:
    """All of a report. A part that is None, or empty, was not there to be measured, and the report says so."""

    identity: IdentityView
    verdict: VerdictView
    windows: tuple[WindowView, ...]
    results: tuple[ResultView, ...]
    folds: tuple[FoldView, ...]
    null: NullView | None
    learning: LearningView | None
    calibration: CalibrationView | None
    costs: CostCurveView
    equity: tuple[EquityView, ...]
    importance: ImportanceView | None
    drift: tuple[DriftView, ...]
    information: tuple[InformationView, ...]
    trials: TrialsView
    findings: tuple[FindingView, ...] | None
    contract: ContractView

    def results_in(self, window: str) -> tuple[ResultView, ...]:
        """Return what each contender made in a window, this model first."""
        return tuple(result for result in self.results if result.window == window)

    def result_of(self, contender: str, window: str) -> ResultView | None:
        """Return what one contender made in a window; None where it has no steps there."""
        return next((result for result in self.results_in(window) if result.contender == contender), None)

    @property
    def worst_drift(self) -> tuple[DriftView, ...]:
        """Return the features by how far they drifted; what is not a number first: nobody can say that it has not."""
        return tuple(
            sorted(self.drift, key=lambda one: (-math.inf if math.isnan(one.share) else -one.share, one.feature))
        )

    @property
    def mean_rank_ic(self) -> float:
        """Return the mean rank correlation over the folds, those without one counted as 0; NaN without folds."""
        if not self.folds:
            return math.nan
        known = (0.0 if math.isnan(fold.rank_ic) else fold.rank_ic for fold in self.folds)
        return math.fsum(value / len(self.folds) for value in known)
