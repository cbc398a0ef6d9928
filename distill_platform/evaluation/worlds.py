"""Worlds: the policies of the configuration, each loaded on its own, so that a broken one stops no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from distill_platform.core.errors import ConfigError
from distill_platform.policy.world import World, load_world


@dataclass(frozen=True)
class Worlds:
    """The worlds that can judge, by their id, and what is wrong with the files of those that cannot."""

    known: Mapping[str, World]
    broken: Mapping[str, str]


def load_worlds(folder: Path) -> Worlds:
    """Return the worlds that the YAML files of a folder declare.

    A file that cannot be accepted, and all files that declare the same world, are broken: by file name, with the
    reason. Raises ConfigError for a folder that is not there.
    """
    if not folder.is_dir():
        raise ConfigError(f"there is no folder of worlds at {folder}", hint="Name it as paths.worlds")
    known: dict[str, World] = {}
    broken: dict[str, str] = {}
    places: dict[str, list[str]] = {}
    for file in sorted(folder.glob("*.yaml")):
        try:
            world = load_world(file)
        except ConfigError as error:
            broken[file.name] = str(error)
            continue
        known[world.world_id] = world
        places.setdefault(world.world_id, []).append(file.name)
    for world_id, files in places.items():
        if len(files) > 1:
            del known[world_id]
            broken |= dict.fromkeys(files, f"world {world_id} is declared by {' and by '.join(files)}")
    return Worlds(known, broken)
