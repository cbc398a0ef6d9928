"""Known truth: the whole chain on generated markets, from headlines to decisions, where it is known who deserves what.

The market is declared to be live, as the shipped sample feeds declare it: it is the one that its models would trade on.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.canon import sig_hash
from distill_platform.core.config import load_yaml
from distill_platform.core.workers import Workers
from distill_platform.feeds.events.event import RAW_EVENTS
from distill_platform.feeds.events.gazetteer import load_gazetteer
from distill_platform.feeds.events.pipeline import make_events
from distill_platform.feeds.events.settings import WINDOW_DAYS, EventSettings
from distill_platform.feeds.sample.market import MarketTruth, SampleMarket, generate
from distill_platform.models.chain.outcome import ChainOutcome, run_chain
from distill_platform.models.features.bar_grid import BarGrid, bar_grid
from distill_platform.models.features.causality import Build
from distill_platform.models.frame_building import build_features
from distill_platform.models.frames import FeatureFrame
from distill_platform.models.line import ModelLine
from distill_platform.models.promotion.reasons import ReasonCode
from distill_platform.policy.world import load_world
from distill_platform.strategies.words import DataRegime

_CONFIG = Path(__file__).parent.parent / "config"
_DELAY = timedelta(seconds=60)
_EARLY = timedelta(hours=6)
_NS = 1_000_000_000

_LUCK = frozenset(
    {
        ReasonCode.NOT_SIGNIFICANT,
        ReasonCode.NOT_BETTER_THAN_ARM,
        ReasonCode.NOT_SURE_ENOUGH,
        ReasonCode.VERDICT_NOT_PASSED,
    }
)
_LEAKS = frozenset({ReasonCode.CAUSALITY_LEAK, ReasonCode.SUSPICIOUS_FEATURE})


class Planted(StrEnum):
    """What is planted in a market, or in what is made of it."""

    EDGE = "edge"
    NONE = "none"
    SHUFFLED = "shuffled"
    BACK_DATED = "back_dated"
    """Headlines written in hindsight: the leak is in the data."""
    JOINED_EARLY = "joined_early"
    """Features that see headlines hours before they were out: the leak is in the code, on a market with the edge."""

    @property
    def about(self) -> str:
        """Return what it is, in words."""
        return _ABOUT[self]

    @property
    def market(self) -> MarketTruth:
        """Return the truth of the market that it is planted in."""
        leaks = {Planted.BACK_DATED: MarketTruth.LEAKED, Planted.JOINED_EARLY: MarketTruth.EDGE}
        return leaks[self] if self in leaks else MarketTruth(self.value)


_ABOUT = {
    Planted.EDGE: "an edge: prices drift for hours after a headline",
    Planted.NONE: "no edge: headlines know nothing of prices",
    Planted.SHUFFLED: "the edge, its headlines shuffled in blocks of a week",
    Planted.BACK_DATED: "leaked: headlines written in hindsight and dated back",
    Planted.JOINED_EARLY: "leaked: features that see headlines before they are out",
}


@dataclass(frozen=True)
class TruthRun:
    """One chain: who was recommended, the codes that stand against every candidate, and those against any of them."""

    planted: Planted
    seed: int
    recommended: tuple[str, ...]
    against_all: frozenset[ReasonCode]
    against_any: frozenset[ReasonCode]
    cpu_s: float

    @property
    def as_expected(self) -> bool:
        """Return whether the edge was recommended, or all else refused, each candidate for the right reason.

        Luck is told as luck, by significance, arms or the world, and not as a leak; a leak is told as the leak it is.
        """
        if self.planted is Planted.EDGE:
            return bool(self.recommended) and not self.against_any & _LEAKS
        if self.planted is Planted.BACK_DATED:
            return not self.recommended and ReasonCode.SUSPICIOUS_FEATURE in self.against_all
        if self.planted is Planted.JOINED_EARLY:
            return not self.recommended and ReasonCode.CAUSALITY_LEAK in self.against_all
        return not self.recommended and bool(self.against_all & _LUCK) and not self.against_any & _LEAKS

    def to_dict(self) -> dict[str, Any]:
        """Return the run as a JSON value."""
        return {
            "planted": self.planted.value,
            "seed": self.seed,
            "recommended": list(self.recommended),
            "against_all": sorted(self.against_all),
            "against_any": sorted(self.against_any),
            "as_expected": self.as_expected,
            "cpu_s": self.cpu_s,
        }


@dataclass(frozen=True)
class Week:
    """What a chain is given: bars and events of a generated market up to a Monday."""

    grid: BarGrid
    events: pa.Table
    as_of_ns: int


def measure_truth(seeds: int, workers: int, say: Callable[[str], None]) -> list[TruthRun]:
    """Return one chain for each seed and truth, leaks by turns in the data and in the code."""
    tasks = [task for seed in range(1, seeds + 1) for task in _tasks(seed)]
    runs = []
    with Workers(workers) as pool:
        for run in pool.map(_run, tasks):
            runs.append(run)
            if not run.as_expected:
                say(f"{run.planted} {run.seed}: recommended {run.recommended}, against all {sorted(run.against_all)}")
            if len(runs) % len(MarketTruth) == 0:
                say(f"known truth: {len(runs)} of {len(tasks)} chains")
    return runs


def truth_chain(planted: Planted, seed: int) -> ChainOutcome:
    """Return the outcome of the shipped line and world on the market of a seed."""
    line = load_yaml(_CONFIG / "models" / "sample_hourly.yaml", ModelLine)
    world = load_world(_CONFIG / "worlds" / f"{line.world_id}.yaml")
    week = week_of(planted, seed, line)
    build = _joined_early(line) if planted is Planted.JOINED_EARLY else None
    return run_chain(line, world, week.grid, week.events, week.as_of_ns, regime=DataRegime.PROD_LIVE, build=build)


def week_of(planted: Planted, seed: int, line: ModelLine) -> Week:
    """Return a generated market as its feeds would deliver it: the line's windows, and a week before them."""
    windows = line.windows
    weeks = windows.search_weeks + windows.validation_weeks + windows.forward_weeks
    market = SampleMarket(planted.market, seed, line.symbols, days=7 * (weeks + 1))
    made = generate(market)
    as_of = market.start + timedelta(days=market.days)
    return Week(
        bar_grid(made.bars, line.bar_ns, line.symbols), _events(made.headlines, market), int(as_of.timestamp()) * _NS
    )


def to_markdown(runs: Sequence[TruthRun]) -> str:
    """Return the runs as a Markdown table, as it stands in `docs/models-truth.md`."""
    head = ("what is planted", "chains", "recommended", "refused", "as it should be", "reasons against", "CPU s")
    rows = [_row(planted, [run for run in runs if run.planted is planted]) for planted in Planted]
    lines = [head, tuple("-" * 3 for _ in head), *(row for row in rows if row)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _row(planted: Planted, runs: Sequence[TruthRun]) -> tuple[str, ...]:
    if not runs:
        return ()
    recommended = sum(bool(run.recommended) for run in runs)
    counts = Counter(code for run in runs for code in run.against_all)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    reasons = ", ".join(f"`{code}` {count}" for code, count in ranked) or "none"
    numbers = (len(runs), recommended, len(runs) - recommended, sum(run.as_expected for run in runs))
    return (planted.about, *map(str, numbers), reasons, f"{median(run.cpu_s for run in runs):.1f}")


def _tasks(seed: int) -> Iterator[tuple[Planted, int]]:
    leak = Planted.BACK_DATED if seed % 2 else Planted.JOINED_EARLY
    yield from ((planted, seed) for planted in (Planted.EDGE, Planted.NONE, Planted.SHUFFLED, leak))


def _run(task: tuple[Planted, int]) -> TruthRun:
    planted, seed = task
    before = time.process_time()
    outcome = truth_chain(planted, seed)
    codes = [candidate.codes for candidate in outcome.candidates]
    against_all, against_any = frozenset.intersection(*codes), frozenset.union(*codes)
    return TruthRun(planted, seed, outcome.recommended, against_all, against_any, time.process_time() - before)


def _joined_early(line: ModelLine) -> Build:
    """Return features that join headlines by a time hours before they were available."""

    def build(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        if events is None:
            return build_features(grid, None, line.features)
        place = events.schema.get_field_index("available_at")
        early = pc.subtract(events["available_at"], pa.scalar(_EARLY)).cast(events.schema.field(place).type)
        return build_features(grid, events.set_column(place, events.schema.field(place), early), line.features)

    return build


def _events(headlines: pa.Table, market: SampleMarket) -> pa.Table:
    """Return the events of all days, each made from its own headlines and those of the days before it."""
    gazetteer, settings = load_gazetteer(_CONFIG / "gazetteers" / "sample.yaml"), EventSettings()
    raw = pa.Table.from_pylist([_raw(row) for row in headlines.to_pylist()], RAW_EVENTS)
    days = [(market.start + timedelta(days=number)).date() for number in range(market.days)]
    made = []
    for day in days:
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        first, last = midnight - timedelta(days=WINDOW_DAYS), midnight + timedelta(days=1)
        when = raw["available_at"]
        near = raw.filter(pc.and_(pc.greater_equal(when, pa.scalar(first)), pc.less(when, pa.scalar(last))))
        made.append(make_events(near, day, settings, gazetteer).events)
    return pa.concat_tables(made).combine_chunks()


def _raw(headline: dict[str, Any]) -> dict[str, Any]:
    """Return a headline as its feed would have it: see `config/feeds/sample_headlines.yaml`."""
    at = headline["published_at"]
    return {
        "raw_id": sig_hash([headline["url"], headline["title"], at.isoformat()]),
        "source": "sample_headlines",
        "outlet": headline["outlet"],
        "kind": "headline",
        "published_at": at,
        "available_at": at + _DELAY,
        "title": headline["title"],
        "url": headline["url"],
        "value": None,
        "tone": None,
        "entities": [],
        "tier": 1,
        "confidence": 0.9,
        "raw_sha256": "0" * 64,
        "place": "1",
    }
