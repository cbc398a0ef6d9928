"""Settings of the models: the lines, the worlds that judge them, and where everything lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from distill_platform.core import canon
from distill_platform.core.config import load_keys, load_section
from distill_platform.core.errors import ConfigError
from distill_platform.evaluation.worlds import Worlds, load_worlds
from distill_platform.feeds.feed import FeedConfig, load_feeds
from distill_platform.models.line import ModelLine, ModelLines, load_lines
from distill_platform.policy.world import World
from distill_platform.store.settings import LedgerPlace, Paths, WorkerSettings, ledger_place
from distill_platform.strategies.words import DataRegime


@dataclass(frozen=True)
class ModelSettings:
    """Lines, worlds and feeds loaded, and every path absolute."""

    lines: ModelLines
    worlds: Worlds
    feeds: Mapping[str, FeedConfig]
    workers: int
    inbox: Path
    keys: Path
    lake: Path
    ledger: LedgerPlace

    @cached_property
    def lines_hash(self) -> str:
        """Return the hash of all that is declared of models, and of the worlds that judge them."""
        lines = {name: line.sha256 for name, line in self.lines.known.items()}
        worlds = {name: world.ruleset_hash for name, world in self.worlds.known.items()}
        return canon.sig_hash({"lines": lines, "broken": dict(self.lines.broken), "worlds": worlds})

    def world_of(self, line: ModelLine) -> World:
        """Return the world that judges a line; ConfigError where there is none, or it charges nothing."""
        world = self.worlds.known.get(line.world_id)
        if world is None:
            told = "; ".join(self.worlds.broken.values()) or f"known are {', '.join(sorted(self.worlds.known))}"
            raise ConfigError(f"line {line.name}: there is no world {line.world_id!r}", hint=told)
        if world.costs is None:
            raise ConfigError(
                f"line {line.name}: world {line.world_id} declares no costs", hint="Trading is not free: declare them"
            )
        return world

    def regime_of(self, line: ModelLine) -> DataRegime:
        """Return what kind of data the line's market is, as its feed declares.

        Raises ConfigError for a market that is no feed of bars, or that has not all symbols of the line.
        """
        feed = self.feeds.get(line.market)
        if feed is None or feed.bar_settings is None:
            known = [name for name, each in self.feeds.items() if each.bar_settings is not None]
            hint = f"Feeds of bars are {', '.join(sorted(known)) or 'none'}"
            raise ConfigError(f"line {line.name}: market {line.market!r} is no feed of bars", hint=hint)
        if unknown := sorted(set(line.symbols) - feed.bar_settings.symbols.keys()):
            hint = f"It has {', '.join(sorted(feed.bar_settings.symbols))}"
            raise ConfigError(f"line {line.name}: market {line.market} has no symbol {unknown[0]!r}", hint=hint)
        return DataRegime(feed.data_regime)


@dataclass(frozen=True)
class ModelOverrides:
    """Paths given instead of those in the configuration."""

    models: Path | None = None
    worlds: Path | None = None
    feeds: Path | None = None
    inbox: Path | None = None
    keys: Path | None = None
    lake: Path | None = None


def load_model_settings(file: Path, overrides: ModelOverrides = ModelOverrides()) -> ModelSettings:
    """Return the settings that `config/platform.yaml` and the files that it points to declare.

    Raises ConfigError for what cannot be accepted, but not for a broken line or world: the others go on.
    """
    paths = load_section(file, "paths", Paths)
    base = file.resolve().parent.parent
    feeds = load_feeds(overrides.feeds or base / paths.feeds)
    return ModelSettings(
        lines=load_lines(overrides.models or base / paths.models),
        worlds=load_worlds(overrides.worlds or base / paths.worlds),
        feeds={feed.name: feed for feed in feeds.feeds},
        workers=load_keys(file, WorkerSettings).workers,
        inbox=(overrides.inbox or base / paths.inbox).resolve(),
        keys=(overrides.keys or base / paths.keys).resolve(),
        lake=(overrides.lake or base / paths.lake).resolve(),
        ledger=ledger_place(file),
    )
