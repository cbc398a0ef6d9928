"""Places: which configuration, sources, evaluation sets and lake a command works on."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distill_platform.core.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from distill_platform.refinery.settings import Settings

CONFIG = Path("config") / "platform.yaml"

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help=f"The platform's settings. Default: {CONFIG}, here or above."),
]
SourcesOption = Annotated[
    Path | None,
    typer.Option("--sources", metavar="DIR", help="Stream declarations, one YAML file each, instead of the settings'."),
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder of the trace files, instead of the settings'.")
]
LakeOption = Annotated[
    Path | None,
    typer.Option("--lake", metavar="DIR", help="Folder for everything produced, instead of the settings'."),
]
EvalSetsOption = Annotated[
    Path | None,
    typer.Option("--eval-sets", metavar="DIR", help="Evaluation sets never to train on, instead of the settings'."),
]


@dataclass(frozen=True)
class Places:
    """The places named on the command line; None is the settings' own."""

    config: Path | None = None
    sources: Path | None = None
    data: Path | None = None
    lake: Path | None = None
    eval_sets: Path | None = None

    def settings(self) -> Settings:
        """Return the settings with these places; ConfigError or SourceError for what cannot be used."""
        from distill_platform.refinery.settings import PathOverrides, load_settings

        overrides = PathOverrides(self.sources, self.eval_sets, self.data, self.lake)
        if self.eval_sets is not None and not self.eval_sets.is_dir():
            hint = "Name a folder; an empty one declares no evaluation set"
            raise ConfigError(f"{self.eval_sets} is not a folder of evaluation sets", hint=hint)
        settings = load_settings(find_config(self.config), overrides)
        if not settings.data.is_dir():
            raise SourceError(f"there is no folder of trace files at {settings.data}", hint="Name it with --data DIR")
        return settings

    def lake_root(self) -> Path:
        """Return where the lake lies; nothing but the platform's own settings is read for it."""
        if self.lake is not None:
            return self.lake.resolve()
        from distill_platform.core.config import load_yaml
        from distill_platform.refinery.settings import PlatformConfig

        file = find_config(self.config)
        return (file.resolve().parent.parent / load_yaml(file, PlatformConfig).paths.lake).resolve()

    def options(self) -> str:
        """Return these places as command line options, to suggest a next command on the same lake."""
        named = {"config": self.config, "sources": self.sources, "data": self.data, "lake": self.lake}
        named["eval-sets"] = self.eval_sets
        return "".join(f" --{name} {shlex.quote(str(path))}" for name, path in named.items() if path is not None)


def ledger_location(places: Places) -> tuple[str, Path]:
    """Return the ledger's URL and its file of anchors, as the settings have them."""
    from distill_platform.store.settings import ledger_place

    place = ledger_place(find_config(places.config))
    return place.url, place.anchors


def find_config(given: Path | None) -> Path:
    """Return the settings file: the given one, or the nearest `config/platform.yaml` here or above."""
    if given is not None:
        return given
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / CONFIG).is_file():
            return folder / CONFIG
    hint = "Change into the project's folder, or name the file with --config FILE"
    raise ConfigError(f"there is no {CONFIG} in {here} or in any folder above it", hint=hint)


def short(path: Path) -> str:
    """Return a path as seen from the current folder where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
