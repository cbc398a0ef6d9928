"""The table of the study, as it stands in `docs/nulls.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.nulls.judging import GATES
from benchmarks.nulls.market import Kind
from benchmarks.nulls.study import LEVELS, Rate, Study

_ABOUT = {
    Kind.REAL: "Stocks of the S&P 500, whole days in resampled blocks of twenty on average",
    Kind.AUTOCORRELATED: "By formula, autocorrelated by 0.1",
    Kind.SKEWED: "By formula, with a skewness of -1",
}


def to_markdown(studies: Sequence[Study]) -> str:
    """Return the studies as Markdown tables."""
    return "\n\n".join(part for study in studies for part in _parts(study)) + "\n"


def _parts(study: Study) -> Iterator[str]:
    yield f"### {_ABOUT[study.kind]} ({len(study.trials):,} cohorts)"
    yield (
        f"Without an edge, {_percent(study.lucky())} of cohorts have a run that passes stages 0 to 3, and "
        f"{_percent(study.lucky_profile())} one that its profile lets through as well."
    )
    head = ("true yearly Sharpe", "passes 0 to 3", "and its profile", "oracle")
    rows = [
        (f"{level:g}", *(_percent(rate) for rate in (study.found(n), study.found_profile(n), study.oracle(n))))
        for n, level in enumerate(LEVELS)
    ]
    yield _table(head, rows)
    yield "Share of runs that a gate opens for, taken by itself, and in brackets those that it is the first to stop:"
    yield _table(("gate", "best of 50 by luck", *_columns()), _gates(study))
    yield "Share of cohorts, or edges, that one threshold alone would let through:"
    yield _table(("threshold", "50 without an edge", *_columns()), _thresholds(study))
    found = study.failed_by(LEVELS.index(_NAMED)).items()
    said = ", ".join(f"{code} {rate.share:.1%}" for code, rate in found) or "nothing"
    yield f"What the profile fails edges of {_NAMED:g} by: {said}."


def _thresholds(study: Study) -> Iterator[tuple[str, ...]]:
    for least in _DSR:
        yield f"deflated Sharpe ratio >= {least:.2f}", *(_percent(study.deflated(least, n)) for n in _levels())
    for most in _PBO:
        yield f"PBO <= {most:.1f}", *(_percent(study.overfit(most, n)) for n in _levels())


def _levels() -> list[int | None]:
    return [None, *(LEVELS.index(level) for level in _SHOWN)]


def _columns() -> list[str]:
    return [f"Sharpe {level:g}" for level in _SHOWN]


_SHOWN = (1.0, 2.0, 3.0)
_NAMED = 2.0
_DSR, _PBO = (0.90, 0.95, 0.97), (0.1, 0.2)


def _gates(study: Study) -> Iterator[tuple[str, ...]]:
    for gate, name in enumerate(GATES):
        cells = [(study.opens(gate, level), study.first_stopped(gate, level)) for level in _levels()]
        yield name, *(f"{opens.share:.1%} ({stops.share:.1%})" for opens, stops in cells)


def _percent(rate: Rate) -> str:
    return f"{rate.share:.1%} ± {rate.error:.1%}"


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> str:
    lines = [tuple(head), ("---", *("---:" for _ in head[1:])), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
