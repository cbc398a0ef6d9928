"""The study: cohorts of random strategies, also with one edge among them, judged by the shipped world."""

from __future__ import annotations

import math
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.nulls.judging import Cohort, Verdict, cost_bps
from benchmarks.nulls.market import Kind
from benchmarks.nulls.strategies import draw

LEVELS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
"""True Sharpe ratios per year, after costs."""

_HOPELESS = 3.0
"""A t-statistic below which no gate of fifty trials opens: their hurdle is 2.25 + 1.64. The best is judged anyway."""

_ORACLE = 0.99
_CHUNK = 10


@dataclass(frozen=True)
class Trial:
    """One cohort: the runs without skill that were judged, the best one first, and the edge at each of `LEVELS`."""

    nulls: tuple[Verdict, ...]
    edges: tuple[Verdict, ...]


@dataclass(frozen=True)
class Rate:
    """How many of how many."""

    hits: int
    of: int

    @property
    def share(self) -> float:
        """Return the share."""
        return self.hits / self.of

    @property
    def error(self) -> float:
        """Return the standard error of the share, by Wilson's centre: not 0 where nothing was hit."""
        centre = (self.hits + 2) / (self.of + 4)
        return math.sqrt(centre * (1 - centre) / (self.of + 4))


@dataclass(frozen=True)
class Study:
    """All cohorts of one kind of returns."""

    kind: Kind
    trials: Sequence[Trial]

    def lucky(self) -> Rate:
        """Return how many cohorts without skill have any run that passes stages 0 to 3."""
        return self._count(any(verdict.reaches_stage3 for verdict in trial.nulls) for trial in self.trials)

    def lucky_profile(self) -> Rate:
        """Return how many cohorts without skill have a run that passes stages 0 to 3 and does not fail its profile."""
        return self._count(any(_wins(verdict) for verdict in trial.nulls) for trial in self.trials)

    def found(self, level: int) -> Rate:
        """Return how many edges of a level pass stages 0 to 3."""
        return self._count(trial.edges[level].reaches_stage3 for trial in self.trials)

    def found_profile(self, level: int) -> Rate:
        """Return how many edges of a level pass stages 0 to 3 and do not fail their profile."""
        return self._count(_wins(trial.edges[level]) for trial in self.trials)

    def oracle(self, level: int) -> Rate:
        """Return how many edges beat what the best without skill reaches in one of a hundred cohorts."""
        hurdle = float(np.quantile([trial.nulls[0].t for trial in self.trials], _ORACLE))
        return self._count(trial.edges[level].t > hurdle for trial in self.trials)

    def opens(self, gate: int, level: int | None) -> Rate:
        """Return how many edges of a level, or best runs without skill, open one gate by itself."""
        judged = [trial.nulls[0] if level is None else trial.edges[level] for trial in self.trials]
        return self._count(verdict.alone[gate] for verdict in judged)

    def first_stopped(self, gate: int, level: int | None) -> Rate:
        """Return how many are stopped by a gate, all before it being open."""
        judged = [trial.nulls[0] if level is None else trial.edges[level] for trial in self.trials]
        return self._count(verdict.alone[: gate + 1] == (*(True,) * gate, False) for verdict in judged)

    def deflated(self, least: float, level: int | None) -> Rate:
        """Return how many edges of a level, or cohorts without skill, have a deflated Sharpe ratio of so much."""
        if level is None:
            return self._count(any(verdict.dsr >= least for verdict in trial.nulls) for trial in self.trials)
        return self._count(trial.edges[level].dsr >= least for trial in self.trials)

    def overfit(self, most: float, level: int | None) -> Rate:
        """Return how many cohorts, with an edge of a level or without, have a PBO of no more than so much."""
        judged = [trial.nulls[0] if level is None else trial.edges[level] for trial in self.trials]
        return self._count(verdict.pbo <= most for verdict in judged)

    def failed_by(self, level: int) -> dict[str, Rate]:
        """Return what the profile fails edges of a level by, the most frequent first."""
        counts = Counter(code for trial in self.trials for code in trial.edges[level].failed)
        return {code: Rate(count, len(self.trials)) for code, count in counts.most_common()}

    def _count(self, hits: Iterable[bool]) -> Rate:
        return Rate(sum(hits), len(self.trials))


def run_study(kind: Kind, cohorts: int, seed: int, workers: int, say: Callable[[str], None]) -> Study:
    """Return the study of so many cohorts, the same for the same seed whatever the number of workers."""
    chunks = [range(first, min(first + _CHUNK, cohorts)) for first in range(0, cohorts, _CHUNK)]
    trials: list[Trial] = []
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(partial(_chunk, kind, seed), chunks):
            trials += found
            say(f"{kind}: {len(trials)} of {cohorts} cohorts")
    return Study(kind, trials)


def _chunk(kind: Kind, seed: int, numbers: range) -> list[Trial]:
    return [trial(kind, seed, number) for number in numbers]


def trial(kind: Kind, seed: int, number: int) -> Trial:
    """Return one cohort, judged."""
    dice = np.random.default_rng([seed, list(Kind).index(kind), number])
    drawn = draw(kind, dice)
    nulls = Cohort(drawn, drawn.books)
    ranked = np.argsort(-nulls.t, kind="stable").tolist()
    judged = tuple(nulls.judge(run) for place, run in enumerate(ranked) if place == 0 or nulls.t[run] > _HOPELESS)
    edges = []
    for level in LEVELS:
        edge = drawn.books[0].with_edge(level, cost_bps())
        edges.append(Cohort(drawn, [edge, *drawn.books[1:]]).judge(0))
    return Trial(judged, tuple(edges))


def _wins(verdict: Verdict) -> bool:
    return verdict.reaches_stage3 and verdict.profile != "fail"
