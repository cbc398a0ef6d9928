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
        if not Path(self.config_file).exists():
            hint = "Start Dagster from the folder that holds it"
            raise ConfigError(f"there is no {self.config_file} in {Path.cwd()}", hint=hint)
        settings = load_settings(Path(self.config_file), overrides)
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
