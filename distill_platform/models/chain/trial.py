"""A trial: a tabular model with other parameters, scored out of fold and traded at the world's sealed costs."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

import numpy as np

from distill_platform.core.canon import sig_hash
from distill_platform.models.blending import fit_scale
from distill_platform.models.boosting import BoostingSettings
from distill_platform.models.chain.material import Material
from distill_platform.models.frames import TrainingFrame
from distill_platform.models.out_of_fold import score_out_of_fold
from distill_platform.models.positions import SizingSettings, score_panel, target_weights
from distill_platform.models.search.objective import TrialMeasure
from distill_platform.models.search.space import Parameters
from distill_platform.models.teacher import TabularFit, TeacherSettings
from distill_platform.models.validation.folds import Fold, make_folds
from distill_platform.models.validation.settings import ValidationSettings
from distill_platform.models.validation.windows import Window
from distill_platform.stats import drawdown
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.engine.backtest import BacktestResult, backtest
from distill_platform.strategies.engine.costs import CostProfile, ExecutionLimits

_DAY_NS = 86_400 * 10**9
_TREES = frozenset(BoostingSettings.model_fields)
_SIZING = frozenset({"hold_bars"})


@dataclass(frozen=True, eq=False)
class TabularTrial:
    """The evaluation of a search: see `search.objective.Evaluate`. It sees the search window and nothing after it.

    A rung adds folds, oldest first; the last one tests all of them.
    """

    frame: TrainingFrame = field(repr=False)
    bars: Bars = field(repr=False)
    settings: TeacherSettings
    sizing: SizingSettings
    validation: ValidationSettings
    costs: CostProfile
    bar_ns: int
    rungs: int
    lineage_id: str

    @property
    def searchable(self) -> frozenset[str]:
        """Return the parameters that a search may choose: those of the trees, and how long a score is held."""
        return _TREES | _SIZING

    def __call__(self, parameters: Parameters, rung: int) -> TrialMeasure:
        """Return what the parameters made out of fold, after costs. Errors: those of the fits and the engine."""
        folds = make_folds(self.frame, self.validation, self.bar_ns)
        tested = folds[: math.ceil(len(folds) * (rung + 1) / self.rungs)]
        teacher, sizing = chosen(self.settings, self.sizing, parameters)
        found = score_out_of_fold(self.frame, tested, TabularFit(teacher))
        scores = found.scores[found.is_out_of_fold]
        bars = _between(self.bars, tested)
        panel = score_panel(self.frame.features, found.scores, bars)
        weights = target_weights(panel, bars.ts, fit_scale(scores), sizing, self.bar_ns)
        limits = ExecutionLimits(rebalance_band=sizing.rebalance_band)
        return measure_of(backtest(weights, bars, self.costs, limits))


def chosen(
    teacher: TeacherSettings, sizing: SizingSettings, parameters: Parameters
) -> tuple[TeacherSettings, SizingSettings]:
    """Return the settings with a trial's parameters in them; pydantic's ValidationError for values out of range."""
    trees = {name: value for name, value in parameters.items() if name in _TREES}
    held = {name: value for name, value in parameters.items() if name in _SIZING}
    boosting = BoostingSettings.model_validate({**teacher.boosting.model_dump(), **trees})
    sized = SizingSettings.model_validate({**sizing.model_dump(), **held})
    return teacher.model_copy(update={"boosting": boosting}), sized


def measure_of(result: BacktestResult) -> TrialMeasure:
    """Return what a search needs to know of a backtest."""
    net = np.asarray(result.book.ret_net)
    status = result.orders["status"].to_pylist()
    days = max((int(result.book.bars.ts[-1]) - int(result.book.bars.ts[0])) / _DAY_NS, 1.0)
    return TrialMeasure(
        pnl_after_cost=math.fsum(net),
        max_drawdown=max(-drawdown(net).max_drawdown, 0.0),
        reject_rate=status.count("rejected") / len(status) if status else 0.0,
        turnover=math.fsum(result.steps["turnover"].to_pylist()) / days,
    )


def wide_trial(material: Material, costs: CostProfile) -> TabularTrial:
    """Return the cheap look of the first stage: half of the symbols, and the later half of the search window."""
    window = material.windows.search
    middle = (window.start_ns + window.end_ns) // 2
    half = max(1, len(material.line.symbols) // 2)
    frame = material.within(Window(middle, window.end_ns))
    return _trial(material, frame.rows(frame.features.symbol < half), costs, "wide")


def close_trial(material: Material, costs: CostProfile) -> TabularTrial:
    """Return the closer look of the second stage: all symbols, and the whole search window."""
    return _trial(material, material.search, costs, "close")


def _trial(material: Material, frame: TrainingFrame, costs: CostProfile, look: str) -> TabularTrial:
    line, window = material.line, material.windows.search
    bars = material.market.bars
    start, stop = np.searchsorted(bars.ts, [window.start_ns, window.end_ns]).tolist()
    lineage = sig_hash([frame.features.versions.lineage_id, line.sha256, asdict(costs), look])
    return TabularTrial(
        frame,
        bars.rows(start, stop),
        line.teacher,
        line.sizing,
        line.validation,
        costs,
        line.bar_ns,
        line.search.pruning.rungs,
        lineage,
    )


def _between(bars: Bars, folds: tuple[Fold, ...]) -> Bars:
    """Return the bars from the first to the last moment that is tested."""
    start = int(np.searchsorted(bars.ts, min(fold.start_ns for fold in folds)))
    stop = int(np.searchsorted(bars.ts, max(fold.end_ns for fold in folds), side="right"))
    return bars.rows(start, stop)
