"""Training: walk-forward trees beside what users pick, scikit-learn's splits around LightGBM's own estimator."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.models.laps import best_cpu_s
from benchmarks.table import times, to_table
from distill_platform.models.boosting import BoostingSettings, fit_boosting
from distill_platform.models.frames import FeatureFrame, FrameVersions, TrainingFrame
from distill_platform.models.out_of_fold import score_out_of_fold
from distill_platform.models.ridge import RidgeSettings, fit_ridge
from distill_platform.models.teacher import TabularFit, TeacherSettings
from distill_platform.models.validation.folds import make_folds, overlapping_rows
from distill_platform.models.validation.settings import FoldScheme, ValidationSettings

_HOUR = 3_600 * 10**9
_HORIZON = 24
_FOLDS = 5
_VALIDATION = ValidationSettings(scheme=FoldScheme.WALK_FORWARD, folds=_FOLDS, embargo_bars=_HORIZON)
_TEACHER = TeacherSettings(boosting=BoostingSettings(rounds=100))


@dataclass(frozen=True)
class Trained:
    """CPU seconds of a walk-forward of `_FOLDS` fits on a panel, ours and theirs, the best of several laps each.

    `overlaps` are training rows, over all folds, whose label shares a moment with one that they are tested on.
    `ridge_s` is one fit on all rows; `same_bytes` whether one and two threads gave one model.
    """

    rows: int
    features: int
    ours_s: float
    theirs_s: float
    our_overlaps: int
    their_overlaps: int
    ridge_s: float
    same_bytes: bool

    @property
    def ratio(self) -> float:
        """Return how many times as long theirs takes."""
        return self.theirs_s / self.ours_s

    def to_json(self) -> dict[str, Any]:
        """Return the numbers and the ratio."""
        return asdict(self) | {"ratio": self.ratio}

    def to_markdown(self) -> str:
        """Return the times beside theirs, for somebody who has not seen the code."""
        said = (
            f"LightGBM, {_TEACHER.boosting.rounds} trees fitted {_FOLDS} times, walking forward over {self.rows:,} "
            f"rows of {self.features} features with labels of {_HORIZON} hours, one thread. Users pick scikit-learn's "
            "`TimeSeriesSplit` and `LGBMRegressor` with as many trees of that size. Ours also purges and embargoes by "
            "the labels' time, scores and proves every fold, and hashes the model; one and two threads "
            f"{'gave the same bytes' if self.same_bytes else 'gave OTHER bytes'}. Leaks are training rows whose label "
            "shares a moment with one that they are tested on. "
            f"One ridge on all rows: {self.ridge_s:.2f} CPU seconds."
        )
        rows = [
            ("CPU seconds", f"{self.ours_s:.2f}", f"{self.theirs_s:.2f}", times(self.ratio)),
            ("leaks, all folds", f"{self.our_overlaps:,}", f"{self.their_overlaps:,}", ""),
        ]
        return f"{said}\n\n{to_table(('', 'ours', 'scikit-learn and LightGBM', 'ratio'), rows)}"


def measure_training(laps: int, bars: int = 8_760, symbols: int = 5, features: int = 35) -> Trained:
    """Return how long it takes to walk forward over a panel of hourly bars, in alternation in this process."""
    frame = _frame(bars, symbols, features)
    kept = frame.rows(frame.is_trainable)
    folds = make_folds(kept, _VALIDATION, _HOUR)
    splits = _their_splits(kept)
    best = best_cpu_s(
        {
            "ours": lambda: _walk(kept),
            "theirs": lambda: _their_walk(kept, splits),
            "ridge": lambda: fit_ridge(kept, kept.features.names, RidgeSettings()),
        },
        laps,
    )
    few = BoostingSettings(rounds=5)
    one, two = (fit_boosting(kept, kept.features.names, few, 0, threads) for threads in (1, 2))
    return Trained(
        rows=len(kept),
        features=features,
        ours_s=best["ours"],
        theirs_s=best["theirs"],
        our_overlaps=sum(overlapping_rows(kept, fold.train, fold.test) for fold in folds),
        their_overlaps=sum(overlapping_rows(kept, train, test) for train, test in splits),
        ridge_s=best["ridge"],
        same_bytes=one.trees == two.trees,
    )


def _walk(frame: TrainingFrame) -> object:
    return score_out_of_fold(frame, make_folds(frame, _VALIDATION, _HOUR), TabularFit(_TEACHER))


def _their_splits(frame: TrainingFrame) -> list[tuple[Any, Any]]:
    from sklearn.model_selection import TimeSeriesSplit

    return list(TimeSeriesSplit(n_splits=_FOLDS).split(frame.features.values))


def _their_walk(frame: TrainingFrame, splits: list[tuple[Any, Any]]) -> object:
    """Return what a user would write: as many trees of that size, and defaults, such as 255 bins, for the rest."""
    from lightgbm import LGBMRegressor

    trees = _TEACHER.boosting
    scores = np.full(len(frame), np.nan)
    for train, test in splits:
        model = LGBMRegressor(
            n_estimators=trees.rounds,
            learning_rate=trees.learning_rate,
            num_leaves=trees.leaves,
            min_child_samples=trees.min_rows_per_leaf,
            reg_lambda=trees.l2,
            colsample_bytree=trees.feature_share,
            subsample=trees.row_share,
            subsample_freq=1,
            n_jobs=1,
            verbosity=-1,
        )
        model.fit(frame.features.values[train], frame.label[train])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of names that an array does not have
            scores[test] = model.predict(frame.features.values[test])
    return scores


def _frame(bars: int, symbols: int, features: int) -> TrainingFrame:
    """Return a panel with overlapping labels and a faint edge, the same for everybody."""
    rng = np.random.default_rng(11)
    values = rng.normal(size=(bars * symbols, features))
    values[rng.random(values.shape) < 0.01] = np.nan
    steps = rng.normal(size=(bars + _HORIZON, symbols))
    sums = np.vstack([np.zeros(symbols), np.cumsum(steps, axis=0)])
    label = ((sums[_HORIZON : bars + _HORIZON] - sums[:bars]) / np.sqrt(_HORIZON)).ravel()
    label += 0.05 * np.nan_to_num(values[:, 0])
    ts = np.repeat(_HOUR * np.arange(1, bars + 1), symbols)
    frame = FeatureFrame(
        ts,
        np.tile(np.arange(symbols), bars),
        tuple(f"S{number}" for number in range(symbols)),
        tuple(f"x{number}" for number in range(features)),
        values,
        np.ones(len(ts), dtype=bool),
        FrameVersions("0" * 64, "1", "0" * 64, "0" * 64),
    )
    return TrainingFrame(frame, label, ts + _HORIZON * _HOUR, _HORIZON * _HOUR)
