"""Resources: what assets are given instead of looking for it. The configuration file decides, run config overrides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

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


def _folder(what: str) -> Any:
    return Field(default=None, description=f"Folder of {what}, instead of the configured one")


class PlaceResource(dg.ConfigurableResource):
    """The place that the stages of a pipeline work in, opened when one of them needs it, closed when Dagster is done.

    An error in its configuration is then the asset's own.
    """

    config_file: str = Field(
        default=CONFIG_FILE, description="The platform's configuration, relative to the working folder"
    )

    _stack: ExitStack | None = PrivateAttr(None)
    _opened: Any = PrivateAttr(None)

    def opening(self) -> AbstractContextManager[Any]:
        """Return what opens the place that the configuration describes."""
        raise NotImplementedError

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Self]:
        """Keep one place open for as long as Dagster needs the resource."""
        with ExitStack() as stack:
            self._stack = stack
            yield self
        self._stack = self._opened = None

    @property
    def place(self) -> Any:
        """Return the place, opened on first use."""
        if self._stack is None:
            raise dg.DagsterInvariantViolationError("a place is open only while Dagster executes something")
        if self._opened is None:
            self._opened = self._stack.enter_context(self.opening())
        return self._opened

    def _given(self, *names: str) -> dict[str, Path]:
        """Return the paths that were given, by name."""
        given = {name: getattr(self, name) for name in names}
        return {name: Path(value) for name, value in given.items() if value is not None}


class RefineryResource(PlaceResource):
    """The refinery as `config/platform.yaml` describes it; a path or the number of workers may be given instead."""

    sources: str | None = _folder("stream declarations")
    eval_sets: str | None = _folder("evaluation sets")
    data: str | None = _folder("trace files")
    lake: str | None = _folder("everything produced")
    workers: int | None = Field(default=None, ge=1, le=256, description="Processes; the result does not depend on it")

    def settings(self) -> Settings:
        """Return the settings; ConfigError for anything in them that cannot be accepted."""
        overrides = PathOverrides(**self._given("sources", "eval_sets", "data", "lake"))
        settings = load_settings(_existing(self.config_file), overrides)
        if self.workers is None:
            return settings
        return replace(settings, config=settings.config.model_copy(update={"workers": self.workers}))

    def opening(self) -> AbstractContextManager[Refinery]:
        """Return what opens the refinery."""
        return open_refinery(self.settings(), now=_now())


class EvaluationResource(PlaceResource):
    """The evaluation as `config/platform.yaml` and the world files describe it; paths may be given instead."""

    worlds: str | None = _folder("world files")
    inbox: str | None = _folder("run bundles")
    lake: str | None = _folder("everything produced")

    def settings(self) -> EvaluationSettings:
        """Return the settings; ConfigError for anything in them that cannot be accepted."""
        overrides = EvaluationOverrides(**self._given("worlds", "inbox", "lake"))
        return load_evaluation_settings(_existing(self.config_file), overrides)

    def opening(self) -> AbstractContextManager[Evaluation]:
        """Return what opens the evaluation, with its ledger."""
        return open_evaluation(self.settings(), now=_now)


class FeedsResource(PlaceResource):
    """The feeds as `config/platform.yaml` and the feed files describe them; paths may be given instead."""

    feeds: str | None = _folder("feed files")
    lake: str | None = _folder("everything produced")

    def settings(self) -> FeedsConfiguration:
        """Return the settings; ConfigError for anything in them that cannot be accepted."""
        return load_feeds_configuration(_existing(self.config_file), FeedsOverrides(**self._given("feeds", "lake")))

    def opening(self) -> AbstractContextManager[Feeds]:
        """Return what opens the feeds, with their ledger."""
        return open_feeds(self.settings(), now=_now)


class ModelsResource(PlaceResource):
    """The models as `config/platform.yaml` and the line files describe them; paths may be given instead."""

    models: str | None = _folder("model lines")
    worlds: str | None = _folder("world files")
    feeds: str | None = _folder("feed files")
    inbox: str | None = _folder("run bundles")
    key_folder: str | None = _folder("signing keys")
    lake: str | None = _folder("everything produced")

    def settings(self) -> ModelSettings:
        """Return the settings; ConfigError for anything in them that cannot be accepted."""
        given = self._given("models", "worlds", "feeds", "inbox", "lake")
        if self.key_folder is not None:
            given["keys"] = Path(self.key_folder)
        return load_model_settings(_existing(self.config_file), ModelOverrides(**given))

    def opening(self) -> AbstractContextManager[Models]:
        """Return what opens the models, with their ledger and processes."""
        return open_models(self.settings(), now=_now)


def _now() -> datetime:
    return datetime.now(UTC)


def _existing(config_file: str) -> Path:
    if not Path(config_file).exists():
        hint = "Start Dagster from the folder that holds it"
        raise ConfigError(f"there is no {config_file} in {Path.cwd()}", hint=hint)
    return Path(config_file)
