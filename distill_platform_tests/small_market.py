"""A small market in a project's folder: two symbols, five weeks of hourly bars with headlines, and the least of models.

The days of `FULL` are collected, featured and trained in some seconds; a few of them in a blink.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from distill_platform.feeds.configuration import load_feeds_configuration
from distill_platform.feeds.pipeline import run_all
from distill_platform.feeds.sample.__main__ import write_sample
from distill_platform.feeds.sample.market import MarketTruth, SampleMarket
from distill_platform.feeds.stage import Feeds, open_feeds
from distill_platform.models.features.settings import BarFeatures
from distill_platform.models.pipeline import FEATURES, PROMOTION, TRAINING, run_stages
from distill_platform.models.settings import load_model_settings
from distill_platform.models.stage import Models, open_models
from distill_platform.store.lake import Lake, Manifest
from distill_platform.store.stages import Stage
from distill_platform_tests.tiny_project import ANSWERS

CONFIG = Path(__file__).parents[1] / "config"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
WEEKS = 5
MARKET = SampleMarket(MarketTruth.EDGE, seed=5, symbols=("ALD_USD", "BOR_USD"), days=7 * WEEKS, outages=1)
FIRST = MARKET.start.date()
WEEK = (FIRST + timedelta(days=7 * (WEEKS - 1))).isoformat()
FULL = [(FIRST + timedelta(days=number)).isoformat() for number in range(MARKET.days)]


def a_line(name: str = "small", **changes: Any) -> dict[str, Any]:
    """Return a line as its file says it, with little of everything."""
    kept = {"log_return": [1, 6], "realized_volatility": [24]}
    trees = {"boosting": {"rounds": 5, "leaves": 4, "bins": 15, "min_rows_per_leaf": 20}}
    told: dict[str, Any] = {
        "name": name, "world_id": "sample_hourly", "market": "bars", "symbols": list(MARKET.symbols),
        "features": {
            "bars": {kind: kept.get(kind, []) for kind in BarFeatures.model_fields},
            "panel": None, "calendar": False,
            "events": {
                "lookback_h": 24, "count_windows_h": [24], "half_lives_h": [6], "outlets_window_h": 24, "silence_h": 24,
            },
        },
        "label": {"horizon_bars": 6, "sigma_bars": 24},
        "guard": {"cuts": 2, "max_rank_correlation": 0.99},
        "windows": {"search_weeks": 3, "validation_weeks": 1, "forward_weeks": 1},
        "validation": {"folds": 2, "embargo_bars": 6}, "significance": {"permutations": 19},
        "baseline": trees, "teacher": trees, "sizing": {"hold_bars": 6},
        "student": {"length": 4, "blocks": 1, "hidden": 4, "epochs": 1, "patience": 1, "batch": 512},
        "search": {
            "space": {"parameters": {"leaves": {"type": "int", "low": 4, "high": 8}}},
            "objective": {"max_drawdown": 1.0, "max_reject_rate": 1.0, "max_turnover": 1000.0},
            "pruning": {"rungs": 2}, "search": {"trials": 4, "batch_size": 2, "startup_trials": 2},
            "refinement": {"trials": 2, "batch_size": 2, "startup_trials": 1}, "candidates": 2, "finalists": 1,
        },
    }  # fmt: skip
    return told | changes


BARS: dict[str, Any] = {
    "name": "bars", "description": "Bars.", "connector": "files", "data_regime": "prod_live",
    "path": "data/sources/market/sample_bars.parquet", "tier": 1, "confidence": 1.0,
    "bars": {
        "interval": "1h", "stamp": "end", "symbols": {symbol: symbol for symbol in MARKET.symbols},
        "columns": {"time": "ts_end", "symbol": "symbol"},
    },
}  # fmt: skip
NEWS: dict[str, Any] = {
    "name": "news", "description": "Headlines.", "connector": "files", "data_regime": "prod_live",
    "path": "data/sources/market/sample_headlines.csv", "tier": 1, "confidence": 0.9, "delay_s": 60.0,
    "headlines": {"columns": {"time": "published_at", "title": "title", "url": "url", "outlet": "outlet"}},
}  # fmt: skip


class SmallMarket:
    """The project in its folder, and how its stages are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config/platform.yaml"

    @classmethod
    def written(cls, folder: Path, market: SampleMarket = MARKET) -> "SmallMarket":
        """Return the project after writing it: two feeds, a line, its world, and the files of the market."""
        project = cls(folder)
        for name in ("events.yaml", "gazetteers/sample.yaml", "worlds/sample_hourly.yaml"):
            project.write(name, (CONFIG / name).read_text())
        project.write("platform.yaml", "workers: 1\n")
        project.feed(BARS)
        project.feed(NEWS)
        project.line(a_line())
        project.write("sources/answers.yaml", ANSWERS)  # Dagster loads no project without a stream of traces
        (folder / "config/eval_sets").mkdir()
        write_sample(folder / "data/sources/market", market)
        return project

    def write(self, name: str, text: str) -> Path:
        """Return a file of the configuration after writing it."""
        file = self.folder / "config" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def feed(self, told: Mapping[str, Any], **changes: Any) -> None:
        """Declare a feed."""
        declared = {**told, **changes}
        self.write(f"feeds/{declared['name']}.yaml", yaml.safe_dump(declared))

    def line(self, told: Mapping[str, Any]) -> None:
        """Declare a line."""
        self.write(f"models/{told['name']}.yaml", yaml.safe_dump(dict(told)))

    def world(self, **changes: Any) -> None:
        """Change what the world says."""
        told = yaml.safe_load((CONFIG / "worlds/sample_hourly.yaml").read_text())
        self.write("worlds/sample_hourly.yaml", yaml.safe_dump(told | changes))

    @property
    def lake(self) -> Lake:
        """Return the project's lake."""
        return Lake(self.folder / "data/lake")

    @property
    def inbox(self) -> Path:
        """Return where runs are handed in."""
        return self.folder / "data/inbox"

    @contextmanager
    def feeds(self) -> Iterator[Feeds]:
        """Open the feeds as the project's files declare them now."""
        with open_feeds(load_feeds_configuration(self.config), now=lambda: NOW) as opened:
            yield opened

    @contextmanager
    def models(self) -> Iterator[Models]:
        """Open the models as the project's files declare them now."""
        with open_models(load_model_settings(self.config), now=lambda: NOW) as opened:
            yield opened

    def collect(self, *days: str) -> None:
        """Run all stages of the feeds over some days."""
        with self.feeds() as feeds:
            run_all(feeds, days, "run")

    def run(self, stages: Sequence[Stage[Models]], *partitions: str) -> None:
        """Run some stages of the models over some partitions."""
        with self.models() as models:
            run_stages(models, stages, partitions, "run")

    def manifest(self, dataset: str, partition: str) -> Manifest:
        """Return what was published of a partition, whatever its verdict."""
        return self.lake.inspect(dataset, partition).manifest

    def rows(self, dataset: str, table: str, partition: str = WEEK) -> list[dict[str, Any]]:
        """Return the rows of a table, through the gate."""
        read = self.lake.open(dataset, partition).read(table)
        return read.to_pylist() if read is not None else []

    def refused(self, dataset: str, partition: str = WEEK) -> dict[str, str]:
        """Return the lines that a stage refused, and why."""
        return {row["line"]: row["reason"] for row in self.rows(dataset, "refused", partition)}

    def ledger_heads(self) -> dict[str, int]:
        """Return how many revisions each stream of the ledger has."""
        with self.models() as models:
            return {name: sum(1 for _ in models.ledger.read(name)) for name in models.ledger.streams("")}


def trained_market(folder: Path) -> SmallMarket:
    """Return a project after all stages of the models have run over its week, before anybody has judged their runs.

    `small` is a line as it should be, the guard finds everything suspicious in `wary`, `lost` has no world, and
    `torn` is no line.
    """
    project = SmallMarket.written(folder)
    project.line(a_line("wary", guard={"cuts": 2, "max_rank_correlation": 1e-9}))
    project.line(a_line("lost", world_id="nowhere"))
    project.write("models/torn.yaml", "name: torn\nsymbls: [ALD_USD]\n")
    project.collect(*FULL)
    project.run(FEATURES, *FULL)
    project.run((*TRAINING, *PROMOTION), WEEK)
    return project
