"""A place where models serve: a calm market of two coins that goes wild at its end, and a model fitted before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from distill_platform.core.utc import from_epoch
from distill_platform.feeds.events.event import EVENTS
from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.feeds.schemas import TABLES as FEED_TABLES
from distill_platform.governance.reviews import approve, reviews
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.chain.entrants import tabular_candidate
from distill_platform.models.chain.fitted import fit_tabular
from distill_platform.models.chain.sealing import ensemble_draft, fitted_draft
from distill_platform.models.pipeline import DAILY_MODELS, PIPELINE
from distill_platform.models.promotion.deciding import PromotionDecision, PromotionStatus
from distill_platform.models.registry import RegistryView, registry_view
from distill_platform.models.rollout.entering import Entered, Recommended, enter_shadow
from distill_platform.models.settings import load_model_settings
from distill_platform.models.stage import Models, code_version, open_models
from distill_platform.models.stages.features import make_features
from distill_platform.models.stages.framing import frame_weeks, read_material
from distill_platform.models.stages.registering import register, version_of
from distill_platform.models.weeks import day_ns, end_ns, training_days
from distill_platform.store.lake import Counts, Lake
from distill_platform.store.lake.atomic import Step, no_step
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables, Making, publish_tables, rows_of
from distill_platform.store.stages import steps
from distill_platform_tests.evaluation.lab import WORLD

LINE, WEEK, NOW = "toy", "2026-02-16", datetime(2026, 5, 1, 12, tzinfo=UTC)
SYMBOLS = ("AAA", "BBB")
HOUR = 3_600 * 10**9
ADA, GRACE = "Ada Lovelace", "Grace Hopper"
CALM, SERVED = 8, 10
DOCUMENT: dict[str, Any] = {
    "name": LINE,
    "world_id": "toy",
    "market": "toy_bars",
    "symbols": list(SYMBOLS),
    "features": {
        "bars": {
            "log_return": [1, 3], "realized_volatility": [6], "volatility_ratio": [], "scaled_momentum": [],
            "high_distance": [], "low_distance": [], "relative_strength": [], "parkinson_volatility": [],
            "garman_klass_volatility": [], "return_autocorrelation": [], "return_skewness": [], "drawdown": [],
            "volume_z_score": [6], "dollar_volume_change": [], "amihud_illiquidity": [], "missing_bars": [6],
            "stale_bars": [],
        },
        "panel": {"momentum_rank": [], "market_return": [], "market_beta": [], "market_correlation": []},
        "calendar": False,
        "events": {
            "lookback_h": 24, "count_windows_h": [6], "half_lives_h": [6], "outlets_window_h": 6, "silence_h": 6,
        },
    },
    "label": {"horizon_bars": 3, "sigma_bars": 24},
    "guard": {"cuts": 2},
    "windows": {"search_weeks": 3, "validation_weeks": 1, "forward_weeks": 1},
    "validation": {"folds": 3, "embargo_bars": 6},
    "teacher": {"kind": "ridge"},
    "sizing": {"hold_bars": 3},
    "search": {"space": {"parameters": {"hold_bars": {"type": "int", "low": 2, "high": 6}}}},
    "rollout": {
        "canary": 0.5, "stages": [0.75], "min_days": 2, "max_failures": 2, "max_loss": 0.5,
        "drift": {"block_days": 2, "bins": 4, "min_blocks": 8, "quantile": 0.99999},
    },
}  # fmt: skip


def day(number: int) -> str:
    """The days that are served, counted from the first one after the week."""
    return (date.fromisoformat(WEEK) + timedelta(days=7 + number)).isoformat()


def ends(number: int) -> datetime:
    """The moment at which a served day is over."""
    return from_epoch((day_ns(day(number + 1))) / 10**9)


@dataclass(frozen=True)
class Lab:
    """A folder with everything that models need."""

    folder: Path

    @contextmanager
    def models(self, on_step: Step = no_step) -> Iterator[Models]:
        """Open the models of this place; its lake tells `on_step` of every step of every write."""
        settings = load_model_settings(self.folder / "config/platform.yaml")
        with open_models(settings, now=lambda: NOW) as opened:
            yield replace(opened, lake=Lake(settings.lake, on_step=on_step))

    @property
    def lake(self) -> Lake:
        """The lake of this place."""
        return Lake(self.folder / "data/lake")

    def serve(self, *numbers: int, only: Sequence[str] = (), on_step: Step = no_step) -> None:
        """Make predictions and rollout of some days, as a job over a range does."""
        with self.models(on_step) as models:
            chosen = [stage for stage in DAILY_MODELS if not only or stage.name in only]
            for step in steps(chosen):
                PIPELINE.run_step(models, step, [day(number) for number in numbers], "run")

    def view(self) -> RegistryView:
        """Where the models stand."""
        with self.models() as models:
            return registry_view(models.ledger, LINE)

    def story(self) -> list[str]:
        """What happened to models, in order, but for their registration."""
        kinds = [each.event.kind.value for each in self.view().history]
        return [kind for kind in kinds if kind != "registered"]

    def approve(self, who: str = ADA) -> None:
        """Let somebody approve all that waits."""
        with self.models() as models:
            for state in reviews(models.ledger):
                approve(models.ledger, state.id, who, "the days convince me")

    def enter(self, name: str, profit: float = 1.0) -> Entered:
        """Let a candidate that was recommended enter the rollout, as of the end of the week."""
        artifact = self.reference(name)
        decision = PromotionDecision(PromotionStatus.RECOMMENDED, artifact.artifact_sha256, (), (), {})
        with self.models() as models:
            return enter_shadow(
                models.ledger, Recommended(artifact, decision, profit), from_epoch(end_ns(WEEK) / 10**9)
            )

    def reference(self, name: str) -> ArtifactReference:
        """The registered artifact of a name."""
        standings = self.view().standings.values()
        return next(each.artifact for each in standings if each.artifact.name == name)

    def rows(self, table: str, number: int, dataset: str = "model_rollout") -> list[dict[str, Any]]:
        """The rows of a table of a served day, through the gate."""
        return rows_of(self.lake.open(dataset, day(number)), table)

    def predictions(self, number: int) -> list[dict[str, Any]]:
        """The predictions of a served day."""
        return self.rows("predictions", number, "predictions")

    def kinds(self, number: int) -> list[str]:
        """What the rollout did at the end of a served day."""
        return [row["kind"] for row in self.rows("actions", number)]

    def versions(self, *datasets: str) -> dict[str, str]:
        """Which bytes every served day has."""
        found = {}
        for dataset in datasets:
            for number in range(SERVED):
                manifest = self.lake.manifest(dataset, day(number))
                if manifest is not None:
                    found[f"{dataset}/{day(number)}"] = manifest.version
        return found

    def revisions(self) -> dict[str, int]:
        """How many revisions each stream of the ledger has."""
        with self.models() as models:
            return {head.stream: head.number for head in models.ledger.heads()}


def build_lab(folder: Path) -> Lab:
    """A place with bars, events and features of all days, and two candidates of the week, registered."""
    _configure(folder)
    lab = Lab(folder)
    with lab.models() as models:
        days = training_days(models.lines[0], WEEK)
        first = (date.fromisoformat(days[0]) - timedelta(days=3)).isoformat()
        _publish_market(lab.lake, first)
        make_features(models, ["features"], [*days, *map(day, range(SERVED))])
        frame_weeks(models, ["training_frame"], [WEEK])
        for name, hold_bars in (("steady", 3), ("nimble", 2)):
            _seal(models, name, hold_bars)
    return lab


def _configure(folder: Path) -> None:
    world = yaml.safe_load(WORLD)
    world["governance"]["approvers"] = [ADA, GRACE]
    feed = {
        "name": "toy_bars", "description": "Made bars.", "connector": "files", "data_regime": "maintenance_replay",
        "path": "data/bars.parquet", "tier": 1, "confidence": 1.0,
        "bars": {
            "interval": "1h", "stamp": "end", "symbols": {name: name for name in SYMBOLS},
            "columns": {"time": "ts_end", "symbol": "symbol"},
        },
        "slo": {"p95_lag_s": 86400.0, "success_rate": 0.95},
    }  # fmt: skip
    files: Mapping[str, Any] = {
        "platform.yaml": {"workers": 1},
        "models/toy.yaml": DOCUMENT,
        "worlds/toy.yaml": world,
        "feeds/toy_bars.yaml": feed,
    }
    for name, document in files.items():
        file = folder / "config" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(document))


def _publish_market(lake: Lake, first: str) -> None:
    """Publish bars and one report a day of each symbol; from day CALM on, everything moves eight times as far."""
    count = (date.fromisoformat(day(SERVED)) - date.fromisoformat(first)).days
    rng = np.random.default_rng(4)
    steps_ = rng.normal(0.0, 0.004, (24 * count, len(SYMBOLS)))
    steps_[24 * (count - SERVED + CALM) :] *= 8.0
    close = 100.0 * np.exp(np.cumsum(steps_, axis=0))
    for number in range(count):
        name = (date.fromisoformat(first) + timedelta(days=number)).isoformat()
        rows = slice(24 * number, 24 * number + 24)
        publish_day(lake, "market_bars", name, {"bars": _bars(name, close[rows], rng)})
        publish_day(lake, "events", name, {"events": _events(name)})


def publish_day(lake: Lake, dataset: str, name: str, tables: Mapping[str, pa.Table], failed: int = 0) -> None:
    """Publish a day of a feed's dataset; with `failed` rows that break its provenance."""
    rows = sum(len(table) for table in tables.values())
    checks = [check("provenance", "rows from nowhere", failed)]
    made = MadeTables(tables, {}, Counts(rows, rows), checks)
    publish_tables(lake, dataset, name, made, Making(FEED_TABLES[dataset], "made", "made"))


def _bars(name: str, close: np.ndarray, rng: np.random.Generator) -> pa.Table:
    shape = close.shape
    opened = close * np.exp(rng.normal(0.0, 0.001, shape))
    high, low = np.maximum(opened, close) * 1.001, np.minimum(opened, close) * 0.999
    volume = np.exp(rng.normal(5.0, 0.5, shape))
    ts = np.repeat(day_ns(name) + HOUR * np.arange(1, len(close) + 1), shape[1]) // 1_000
    columns = [pa.array(list(SYMBOLS) * len(close)), pa.array(ts).cast(MARKET_BARS.field("ts_end").type)]
    columns += [pa.array(values.ravel()) for values in (opened, high, low, close, volume)]
    return pa.Table.from_arrays([*columns, pa.array(["toy_bars"] * len(ts))], schema=MARKET_BARS)


def _events(name: str) -> pa.Table:
    noon = datetime.fromisoformat(name).replace(tzinfo=UTC) + timedelta(hours=12)
    rows = [
        {
            "event_id": f"{symbol}@{name}", "symbol": symbol, "kind": "headline", "published_at": noon,
            "available_at": noon, "title": f"News of {symbol}", "source": "wire", "outlet": "outlet", "tier": 1,
            "confidence": 1.0, "quality": 1.0, "polarity": 0.5, "leads": True, "cluster_id": f"{symbol}@{name}",
            "synthetic_link": False, "is_low_quality": False, "link_method": "name",
        }
        for symbol in SYMBOLS
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=EVENTS)


def _seal(models: Models, name: str, hold_bars: int) -> ArtifactReference:
    """Seal and register a candidate of one member, which holds its scores for so many bars."""
    line = models.lines[0]
    material, _ = read_material(models, line, WEEK)
    fitted = fit_tabular(material, name=f"{name}_member")
    version = version_of(material, WEEK)
    draft = fitted_draft(material, fitted, version, code_version(), 1)
    member = register(models, models.artifacts.seal(draft, fitted.model.files()).reference, WEEK)
    sizing = line.sizing.model_copy(update={"hold_bars": hold_bars})
    entrant = tabular_candidate(name, fitted, sizing, {})
    sealed = ensemble_draft(material, entrant, [(member, fitted)], version, code_version(), 1)
    return register(models, models.artifacts.seal(sealed, entrant.model.files()).reference, WEEK)
