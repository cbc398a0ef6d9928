"""Resources: what assets are given instead of looking for it. The configuration file decides, run config overrides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from pydantic import Field, PrivateAttr

from distill_platform.core.errors import ConfigError
from distill_platform.evaluation.settings import EvaluationOverrides, EvaluationSettings, load_evaluation_settings
from distill_platform.evaluation.stage import Evaluation, open_evaluation
from distill_platform.feeds.configuration import FeedsConfiguration, FeedsOverrides, load_feeds_configuration
from distill_platform.feeds.stage import Feeds, open_feeds
from distill_platform.models.settings import ModelOverrides, ModelSettings, load_model_settings
from distill_platform.models.stage import Models, open_models
from distill_platform.refinery.settings import PathOverrides, Settings, load_settings
from distill_platform.refinery.stage import Refinery, open_refinery

CONFIG_FILE = "config/platform.yaml"


class RefineryResource(dg.ConfigurableResource):
    """The refinery as `config/platform.yaml` describes it; a path or the number of workers may be given instead."""

    config_file: str = Field(
        default=CONFIG_FILE, description="The platform's configuration, relative to the working folder"
    )
    sources: str | None = Field(
        default=None, description="Folder of stream declarations, instead of the configured one"
    )
    eval_sets: str | None = Field(default=None, description="Folder of evaluation sets, instead of the configured one")
    data: str | None = Field(default=None, description="Folder of trace files, instead of the configured one")
    lake: str | None = Field(default=None, description="Folder of everything produced, instead of the configured one")
    workers: int | None = Field(default=None, ge=1, le=256, description="Processes; the result does not depend on it")

    _stack: ExitStack | None = PrivateAttr(None)
    _opened: Refinery | None = PrivateAttr(None)

    def settings(self) -> Settings:
        """Return the settings; ConfigError for anything in them that cannot be accepted."""
        given = {name: getattr(self, name) for name in ("sources", "eval_sets", "data", "lake")}
        overrides = PathOverrides(**{name: Path(value) for name, value in given.items() if value is not None})
        settings = load_settings(_existing(self.config_file), overrides)
        if self.workers is None:
            return settings
        return replace(settings, config=settings.config.model_copy(update={"workers": self.workers}))

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[RefineryResource]:
        """Keep one refinery open for as long as Dagster needs the resource, so that its workers start once."""
        with ExitStack() as stack:
            self._stack = stack
            yield self
        self._stack = self._opened = None

    @property
    def place(self) -> Refinery:
        """Return the refinery, opened on first use: an error in its configuration is then the asset's own."""
        if self._stack is None:
            raise dg.DagsterInvariantViolationError("the refinery is open only while Dagster executes something")
        if self._opened is None:
            self._opened = self._stack.enter_context(open_refinery(self.settings(), now=datetime.now(UTC)))
        return self._opened


class EvaluationResource(dg.ConfigurableResource):
    """The evaluation as `config/platform.yaml` and the world files describe it; paths may be given instead."""

    config_file: str = Field(
        default=CONFIG_FILE, description="The platform's configuration, relative to the working folder"
    )
    worlds: str | None = Field(default=None, description="Folder of world files, instead of the configured one")
    inbox: str | None = Field(default=None, description="Folder of run bundles, instead of the configured one")
    lake: str | None = Field(default=None, description="Folder of everything produced, instead of the configured one")

    _stack: ExitStack | None = PrivateAttr(None)
    _opened: Evaluation | None = PrivateAttr(None)

    def settings(self) -> EvaluationSettings:
        """Return the settings; ConfigError for anything in them that cannot be accepted."""
        given = {name: getattr(self, name) for name in ("worlds", "inbox", "lake")}
        overrides = EvaluationOverrides(**{name: Path(value) for name, value in given.items() if value is not None})
        return load_evaluation_settings(_existing(self.config_file), overrides)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[EvaluationResource]:
        """Keep one evaluation, with its ledger, open for as long as Dagster needs the resource."""
        with ExitStack() as stack:
            self._stack = stack
            yield self
        self._stack = self._opened = None

    @property
    def place(self) -> Evaluation:
        """Return the evaluation, opened on first use: an error in its configuration is then the asset's own."""
        if self._stack is None:
            raise dg.DagsterInvariantViolationError("the evaluation is open only while Dagster executes something")
        if self._opened is None:
            self._opened = self._stack.enter_context(open_evaluation(self.settings(), now=_now))
        return self._opened


class FeedsResource(dg.ConfigurableResource):
    """The feeds as `config/platform.yaml` and the feed files describe them; paths may be given instead."""

    config_file: str = Field(
        default=CONFIG_FILE, description="The platform's configuration, relative to the working folder"
    )
    feeds: str | None = Field(default=None, description="Folder of feed files, instead of the configured one")
    lake: str | None = Field(default=None, description="Folder of everything produced, instead of the configured one")

    _stack: ExitStack | None = PrivateAttr(None)
    _opened: Feeds | None = PrivateAttr(None)

    def settings(self) -> FeedsConfiguration:
        """Return the settings; ConfigError for anything in them that cannot be accepted."""
        given = {name: getattr(self, name) for name in ("feeds", "lake")}
        overrides = FeedsOverrides(**{name: Path(value) for name, value in given.items() if value is not None})
        return load_feeds_configuration(_existing(self.config_file), overrides)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[FeedsResource]:
        """Keep the feeds open, with their ledger, for as long as Dagster needs the resource."""
        with ExitStack() as stack:
            self._stack = stack
            yield self
        self._stack = self._opened = None

    @property
    def place(self) -> Feeds:
        """Return the feeds, opened on first use: an error in their configuration is then the asset's own."""
        if self._stack is None:
            raise dg.DagsterInvariantViolationError("the feeds are open only while Dagster executes something")
        if self._opened is None:
            self._opened = self._stack.enter_context(open_feeds(self.settings(), now=_now))
        return self._opened


class ModelsResource(dg.ConfigurableResource):
    """The models as `config/platform.yaml` and the line files describe them; paths may be given instead."""

    config_file: str = Field(
        default=CONFIG_FILE, description="The platform's configuration, relative to the working folder"
    )
    models: str | None = Field(default=None, description="Folder of model lines, instead of the configured one")
    worlds: str | None = Field(default=None, description="Folder of world files, instead of the configured one")
    feeds: str | None = Field(default=None, description="Folder of feed files, instead of the configured one")
    inbox: str | None = Field(default=None, description="Folder of run bundles, instead of the configured one")
    key_folder: str | None = Field(default=None, description="Folder of signing keys, instead of the configured one")
    lake: str | None = Field(default=None, description="Folder of everything produced, instead of the configured one")

    _stack: ExitStack | None = PrivateAttr(None)
    _opened: Models | None = PrivateAttr(None)

    def settings(self) -> ModelSettings:
        """Return the settings; ConfigError for anything in them that cannot be accepted."""
        given = {name: getattr(self, name) for name in ("models", "worlds", "feeds", "inbox", "lake")}
        given["keys"] = self.key_folder
        overrides = ModelOverrides(**{name: Path(value) for name, value in given.items() if value is not None})
        return load_model_settings(_existing(self.config_file), overrides)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[ModelsResource]:
        """Keep the models open, with their ledger and processes, for as long as Dagster needs the resource."""
        with ExitStack() as stack:
            self._stack = stack
            yield self
        self._stack = self._opened = None

    @property
    def place(self) -> Models:
        """Return the models, opened on first use: an error in their configuration is then the asset's own."""
        if self._stack is None:
            raise dg.DagsterInvariantViolationError("the models are open only while Dagster executes something")
        if self._opened is None:
            self._opened = self._stack.enter_context(open_models(self.settings(), now=_now))
        return self._opened


def _now() -> datetime:
    return datetime.now(UTC)


def _existing(config_file: str) -> Path:
    if not Path(config_file).exists():
        hint = "Start Dagster from the folder that holds it"
        raise ConfigError(f"there is no {config_file} in {Path.cwd()}", hint=hint)
    return Path(config_file)
