"""Which variance of luck to deflate by: `python -m benchmarks.nulls.hurdles` prints the table of `docs/overfitting.md`.

Cohorts of normal, autocorrelated, skewed, fat-tailed and correlated returns, without skill and with one edge; how often
the run of the highest Sharpe ratio has a deflated one of 0.95 or more, by how the variance across trials is estimated.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.nulls.market import DAYS, Floats
from benchmarks.nulls.strategies import DAYS_A_YEAR
from distill_platform.stats import dsr_from_moments

_EDGES = (0.0, 2.0, 3.0)
_PASS = 0.95
_LUCK = 1.0 / (DAYS - 1)


@dataclass(frozen=True)
class Setting:
    """What a cohort's returns are like: their noise, how many there are, and how much of it they share."""

    noise: str
    trials: int = 50
    shared: float = 0.0


SETTINGS = (
    *(Setting("normal", trials) for trials in (1, 2, 5, 10, 50, 200)),
    Setting("autocorrelated 0.1"), Setting("skewness -1"), Setting("skewness +1"), Setting("t, 4 degrees"),
    Setting("normal", 50, 0.3), Setting("normal", 50, 0.7), Setting("normal", 10, 0.7),
)  # fmt: skip


def _all(ratios: Floats, best: int) -> float:
    return float(ratios.var(ddof=1)) if len(ratios) > 1 else 0.0


def _others(ratios: Floats, best: int) -> float:
    rest = np.delete(ratios, best)
    return float(rest.var(ddof=1)) if len(rest) > 1 else _LUCK


def _robust(ratios: Floats, best: int) -> float:
    return (1.4826 * float(np.median(np.abs(ratios - np.median(ratios))))) ** 2


def _luck(ratios: Floats, best: int) -> float:
    return _LUCK


def _chosen(ratios: Floats, best: int) -> float:
    return max(_others(ratios, best), _LUCK)


ESTIMATES: Mapping[str, Callable[[Floats, int], float]] = {
    "all trials": _all,
    "all others": _others,
    "median deviation": _robust,
    "no skill, 1/(T-1)": _luck,
    "larger of others and no skill": _chosen,
}


def shares(setting: Setting, cohorts: int, seed: int) -> dict[tuple[str, float], float]:
    """Return the share of cohorts whose best run passes, by estimate and edge."""
    dice, passed = np.random.default_rng(seed), defaultdict[tuple[str, float], int](int)
    for _ in range(cohorts):
        for edge, ratios, best, skew, kurt in _cohort(setting, dice):
            for name, variance in ESTIMATES.items():
                found = dsr_from_moments(float(ratios[best]), DAYS, skew, kurt, variance(ratios, best), setting.trials)
                passed[name, edge] += found >= _PASS
    return {key: count / cohorts for key, count in passed.items()}


def _cohort(setting: Setting, dice: np.random.Generator) -> Iterator[tuple[float, Floats, int, float, float]]:
    """Yield for each edge the Sharpe ratios per day, which is the best, and its skewness and kurtosis."""
    noise = _noise(setting.noise, (DAYS, setting.trials), dice)
    if setting.shared:
        common = _noise(setting.noise, (DAYS, 1), dice)
        noise = math.sqrt(1 - setting.shared) * noise + math.sqrt(setting.shared) * common
    means, deviations = noise.mean(axis=0), noise.std(axis=0, ddof=1)
    for edge in _EDGES:
        ratios = (means + np.eye(1, len(means))[0] * edge / math.sqrt(DAYS_A_YEAR)) / deviations
        best = int(ratios.argmax())
        z = (noise[:, best] - means[best]) / noise[:, best].std()
        yield edge, ratios, best, float((z**3).mean()), float((z**4).mean())


def _noise(kind: str, shape: tuple[int, int], dice: np.random.Generator) -> Floats:
    if kind == "t, 4 degrees":
        return dice.standard_t(4, shape) / math.sqrt(2)
    if kind.startswith("skewness"):
        noise = (dice.standard_gamma(4.0, shape) - 4.0) / 2.0
        return noise * (1.0 if kind.endswith("+1") else -1.0)
    noise = dice.standard_normal(shape)
    if kind.startswith("autocorrelated"):
        for row in range(1, shape[0]):
            noise[row] = 0.1 * noise[row - 1] + math.sqrt(0.99) * noise[row]
    return noise


def main(cohorts: int = 3_000) -> None:
    """Print the table, a row for each setting: shares without skill, with a Sharpe ratio of 2, and with one of 3."""
    print("| returns | trials | correlation | " + " | ".join(ESTIMATES) + " |")
    print("|---|---:|---:|" + "---:|" * len(ESTIMATES))
    for setting in SETTINGS:
        found = shares(setting, cohorts * 50 // max(setting.trials, 25), seed=7)
        cells = [" / ".join(f"{found[name, edge]:.1%}" for edge in _EDGES) for name in ESTIMATES]
        print(f"| {setting.noise} | {setting.trials} | {setting.shared:g} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
