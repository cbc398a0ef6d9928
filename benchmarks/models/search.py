"""The search beside the whole grid, beside itself on two workers, and beside Optuna as most people would run it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.table import to_table
from distill_platform.models.search.coordinator import Searched, best, run_search
from distill_platform.models.search.objective import ObjectiveSettings, TrialMeasure
from distill_platform.models.search.plan import SearchPlan
from distill_platform.models.search.settings import BatchSettings, PruningSettings
from distill_platform.models.search.space import Parameters, SearchSpace
from distill_platform.models.search.workers import Task, WorkerPool

if TYPE_CHECKING:
    import lightgbm
    import optuna

_ROWS, _FEATURES, _ROUNDS, _SEED, _HOURS_A_YEAR = 16_000, 8, 80, 11, 24 * 365
_FEE = 2e-4
_TRIALS, _BATCH, _STARTUP, _TOP = 120, 8, 16, 5
SHARE_OF_GRID = 0.2
_OBJECTIVE = ObjectiveSettings(max_drawdown=1.0, max_turnover=48.0)
_GRID: dict[str, list[Any]] = {
    "learning_rate": [0.01, 0.03, 0.1, 0.3],
    "num_leaves": [3, 7, 15, 31],
    "min_rows": [10, 40, 160, 640],
    "l2": [0.0, 10.0, 100.0],
    "band": [0.0, 0.3, 0.6, 0.9, 1.2],
}
_POINTS: dict[str, dict[str, Any]] = {name: {"type": "choice", "values": values} for name, values in _GRID.items()}
_RANGES: dict[str, dict[str, Any]] = {
    "learning_rate": {"type": "float", "low": 0.01, "high": 0.3, "log": True},
    "num_leaves": {"type": "int", "low": 3, "high": 31, "log": True},
    "min_rows": {"type": "int", "low": 10, "high": 640, "log": True},
    "l2": {"type": "float", "low": 0.0, "high": 100.0},
    "band": {"type": "float", "low": 0.0, "high": 1.2},
}


@dataclass(frozen=True)
class Market:
    """A LightGBM trained on the first half of generated hours and traded on the second, after a fee.

    Scores become positions where they are beyond `band` standard deviations.
    """

    lineage_id: str = "generated market"
    searchable: frozenset[str] = frozenset(_GRID)

    def __call__(self, parameters: Parameters, rung: int) -> TrialMeasure:
        """Return what the model earns a year, its drawdown and its turnover."""
        import lightgbm

        features, returns = self._frame
        half = _ROWS // 2
        settings = {
            "objective": "l2", "verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True,
            "learning_rate": parameters["learning_rate"], "num_leaves": parameters["num_leaves"],
            "min_data_in_leaf": parameters["min_rows"], "lambda_l2": parameters["l2"],
        }  # fmt: skip
        model = lightgbm.train(settings, self._binned, num_boost_round=_ROUNDS)
        scores = np.asarray(model.predict(features[half:], num_threads=1))
        return _traded(scores, returns[half:], float(parameters["band"]))

    @cached_property
    def _frame(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        rng = np.random.default_rng(_SEED)
        features = rng.standard_normal((_ROWS, _FEATURES))
        signal = np.tanh(features[:, 0] * features[:, 1]) + 0.5 * np.sign(features[:, 2]) * np.abs(features[:, 3])
        return features, 0.01 * (0.2 * signal + rng.standard_normal(_ROWS))

    @cached_property
    def _binned(self) -> lightgbm.Dataset:
        import lightgbm

        features, returns = self._frame
        half = _ROWS // 2
        settings = {"feature_pre_filter": False, "verbosity": -1, "num_threads": 1}
        return lightgbm.Dataset(features[:half], returns[:half] * 100, params=settings).construct()


def _traded(scores: npt.NDArray[np.float64], returns: npt.NDArray[np.float64], band: float) -> TrialMeasure:
    scaled = scores / max(float(scores.std()), 1e-12)
    weights = np.where(np.abs(scaled) > band, np.clip(scaled, -2, 2) / 2, 0.0)
    traded = np.abs(np.diff(weights, prepend=0.0))
    equity = np.cumsum(weights * returns - _FEE * traded) / 4
    fall = float(np.max(np.maximum.accumulate(equity) - equity))
    return TrialMeasure(float(equity[-1]) * _HOURS_A_YEAR / len(returns), fall, 0.0, 24 * float(traded.mean()))


@dataclass(frozen=True)
class Against:
    """A search beside the grid: mean of its best five points, points measured and time, each over the grid's own."""

    value: float
    trials: float
    time: float


@dataclass(frozen=True)
class SearchOutcome:
    """What was measured; wall times, everything on one worker unless it says two.

    `ranges` are searches between the ends of the grid and `points` searches of its very points, one for each seed.
    `is_same` says whether the lists on one and on two workers were the same bytes; `peer_is_same` whether two runs of
    Optuna's own loop, with the same seed on two threads and SQLite, tried the same.
    """

    grid_points: int
    grid_s: float
    ranges: tuple[Against, ...]
    points: tuple[Against, ...]
    trials: int
    one_s: float
    two_s: float
    is_same: bool
    peer_s: float
    peer_is_same: bool

    @property
    def trials_per_s(self) -> float:
        """Return the trials a second on two workers."""
        return self.trials / self.two_s

    @property
    def efficiency(self) -> float:
        """Return how much of two workers is used: 1 is all of both, one half no more than of one."""
        return self.one_s / self.two_s / 2

    def to_json(self) -> dict[str, Any]:
        """Return the numbers and the rates."""
        return asdict(self) | {"trials_per_s": self.trials_per_s, "efficiency": self.efficiency}

    def to_markdown(self) -> str:
        """Return the outcome for somebody who has not seen the code."""
        said = (
            f"A LightGBM on generated hours, traded after a fee. The grid has {self.grid_points:,} points and takes "
            f"{self.grid_s:.0f} s on one worker."
        )
        rows = [
            _row("search between the ends of the grid", self.ranges),
            _row("search of the grid's very points", self.points),
        ]
        head = ("", "best five over the grid's own", "trials over the grid's", "time over the grid's", "target")
        beside = (
            f"{self.trials} trials on two workers: {self.trials_per_s:.1f} a second, at a parallel efficiency of "
            f"{self.efficiency:.0%}; the list is {'the same' if self.is_same else 'ANOTHER ONE'}, byte for byte. "
            f"`study.optimize(n_jobs=2)` on SQLite: {self.trials / self.peer_s:.1f} a second (ours: "
            f"{self.peer_s / self.two_s:.2f} times that); the same seed twice tried "
            f"{'the same' if self.peer_is_same else 'something else'}."
        )
        return f"{said}\n\n{to_table(head, rows)}\n\n{beside}"


def measure_search(folder: Path, seeds: int, share: float, say: Callable[[str], None]) -> SearchOutcome:
    """Return the outcome over some seeds; a `share` below 1 takes fewer points and trials, to see that it runs."""
    say("Search: the whole grid")
    points = [dict(zip(_GRID, values, strict=True)) for values in itertools.product(*_GRID.values())]
    top, grid_s = _grid(points[:: max(1, round(1 / share))])
    trials = max(_BATCH, round(_TRIALS * share))
    grid_points = len(points[:: max(1, round(1 / share))])
    say(f"Search: {seeds} seeds between the ends of the grid, and on its points")
    plans = [[_plan(space, trials, seed) for seed in range(seeds)] for space in (_RANGES, _POINTS)]
    against = [
        tuple(
            _against(_timed(plan, folder / f"{kind}-{plan.seed}.jsonl", 1), top, grid_s, grid_points) for plan in part
        )
        for kind, part in zip(("ranges", "points"), plans, strict=True)
    ]
    say("Search: one worker, two workers, and Optuna on two threads")
    one, one_s = _timed(plans[0][0], folder / "one.jsonl", 1)
    two, two_s = _timed(plans[0][0], folder / "two.jsonl", 2)
    peers = [_peer(folder / f"peer-{lap}.db", trials) for lap in range(2)]
    peer_s = min(seconds for _, seconds in peers)
    return SearchOutcome(
        grid_points, grid_s, against[0], against[1], trials, one_s, two_s, one.sha256 == two.sha256, peer_s,
        peers[0][0] == peers[1][0],
    )  # fmt: skip


def _row(name: str, part: tuple[Against, ...]) -> tuple[str, ...]:
    def spread(values: list[float]) -> str:
        return f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"

    columns = [spread([getattr(one, what) for one in part]) for what in ("value", "trials", "time")]
    return f"{name}, {len(part)} seeds", *columns, f"1 within {SHARE_OF_GRID} of the time"


def _plan(space: dict[str, dict[str, Any]], trials: int, seed: int) -> SearchPlan:
    batches = BatchSettings(trials=trials, batch_size=_BATCH, startup_trials=_STARTUP)
    whole = PruningSettings(rungs=1)
    parsed = SearchSpace.model_validate({"parameters": space})
    return SearchPlan(parsed, _OBJECTIVE, whole, batches, seed, Market().lineage_id)


def _grid(points: list[Parameters]) -> tuple[float, float]:
    """Return the mean of the best five values of the grid, and how long it took, in seconds."""
    start = time.perf_counter()
    with WorkerPool(Market(), 1) as pool:
        done = list(pool.run([Task(number, point, 0) for number, point in enumerate(points)]))
    values = sorted(_OBJECTIVE.value(one.measure) for one in done if one.measure is not None)
    return float(np.mean(values[-_TOP:])), time.perf_counter() - start


def _timed(plan: SearchPlan, file: Path, workers: int) -> tuple[Searched, float]:
    start = time.perf_counter()
    return run_search(plan, Market(), file, workers), time.perf_counter() - start


def _against(timed: tuple[Searched, float], top: float, grid_s: float, grid_points: int) -> Against:
    searched, seconds = timed
    found = float(np.mean([value for _, value in best(searched.trials, _TOP)]))
    return Against(found / top, searched.work.measured / grid_points, seconds / grid_s)


def _peer(database: Path, trials: int) -> tuple[list[dict[str, Any]], float]:
    """Return the points that Optuna's own loop tried, by number, and how long it took, in seconds."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    market = Market()

    def objective(trial: optuna.Trial) -> float:
        return _OBJECTIVE.value(market(_suggested(trial), 0))

    start = time.perf_counter()
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=_STARTUP)
    study = optuna.create_study(storage=f"sqlite:///{database}", sampler=sampler, direction="maximize")
    study.optimize(objective, n_trials=trials, n_jobs=2)
    return [trial.params for trial in study.trials], time.perf_counter() - start


def _suggested(trial: optuna.Trial) -> Parameters:
    return {
        name: (trial.suggest_int if part["type"] == "int" else trial.suggest_float)(
            name, part["low"], part["high"], log=part.get("log", False)
        )
        for name, part in _RANGES.items()
    }
