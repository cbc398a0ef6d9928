"""Configuration of the feeds: which there are, how events are made of their reports, and where all of it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from distill_platform.core import canon
from distill_platform.core.config import load_section, load_yaml
from distill_platform.core.errors import ConfigError
from distill_platform.core.hooks import HookName, import_hook
from distill_platform.feeds.events.gazetteer import Gazetteer, load_gazetteer
from distill_platform.feeds.events.pipeline import rules_hash
from distill_platform.feeds.events.settings import EventSettings
from distill_platform.feeds.events.text_model import RememberedTextModel, TextModel
from distill_platform.feeds.feed import LoadedFeeds, load_feeds
from distill_platform.store.settings import LedgerPlace, Paths, ledger_place
from distill_platform.strategies.bundles.manifest import Identifier


class EventRules(EventSettings):
    """`config/events.yaml`: how reports become events, in which gazetteer they are looked up, and who reads them."""

    gazetteer: Identifier = "crypto"
    text_model: HookName | None = None

    @property
    def settings(self) -> EventSettings:
        """Return how reports become events."""
        return EventSettings(**{name: getattr(self, name) for name in EventSettings.model_fields})


@dataclass(frozen=True)
class FeedsConfiguration:
    """Feeds, rules and gazetteer loaded, and every path absolute; `base` is where paths of files start."""

    declared: LoadedFeeds
    rules: EventRules
    gazetteer: Gazetteer
    base: Path
    lake: Path
    ledger: LedgerPlace
    text_model: TextModel | None = None

    @cached_property
    def _hashes(self) -> Mapping[str, str]:
        feeds = canon.sig_hash({feed.name: feed.content_hash for feed in self.declared.feeds})
        return {
            "events": rules_hash(self.rules.settings, self.gazetteer, self.text_model),
            "market_bars": feeds,
            "raw_events": feeds,
        }

    def hash_of(self, dataset: str) -> str:
        """Return the hash of what shapes a dataset; health is judged by what each feed declares that it owes."""
        return self._hashes.get(dataset, self._hashes["market_bars"])


@dataclass(frozen=True)
class FeedsOverrides:
    """Paths given instead of those in the configuration."""

    feeds: Path | None = None
    lake: Path | None = None


def load_feeds_configuration(file: Path, overrides: FeedsOverrides = FeedsOverrides()) -> FeedsConfiguration:
    """Return what `config/platform.yaml` and the files that it points to declare of feeds and events.

    Raises ConfigError for what cannot be accepted, but not for a broken feed: the others go on.
    """
    paths = load_section(file, "paths", Paths)
    base = file.resolve().parent.parent
    rules = load_yaml(base / paths.events, EventRules)
    lake = (overrides.lake or base / paths.lake).resolve()
    return FeedsConfiguration(
        declared=load_feeds(overrides.feeds or base / paths.feeds),
        rules=rules,
        gazetteer=load_gazetteer(base / paths.gazetteers / f"{rules.gazetteer}.yaml"),
        base=base,
        lake=lake,
        ledger=ledger_place(file),
        text_model=_text_model(rules.text_model, base / paths.events, lake / "readings"),
    )


def _text_model(target: str | None, file: Path, memory: Path) -> TextModel | None:
    """Return the text model that a hook makes, asked once about each title; None where none is named."""
    if target is None:
        return None
    hook = import_hook("text_model", target, file)
    try:
        model = hook()
        is_one = isinstance(model.version, str) and bool(model.version) and callable(model.read)
    except Exception as error:
        raise ConfigError(f"text_model {target!r} cannot be made: {error}", file=str(file)) from error
    if not is_one:
        hint = "It is called without arguments and returns an object with a `version` and `read(titles)`"
        raise ConfigError(f"text_model {target!r} makes no text model", file=str(file), hint=hint)
    return RememberedTextModel(model, memory)
