"""Settings of the evaluation: where things lie, the worlds, and how runs are measured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from distill_platform.core import canon
from distill_platform.core.config import load_keys, load_section
from distill_platform.evaluation.worlds import Worlds, load_worlds
from distill_platform.store.settings import LedgerPlace, Paths, WorkerSettings, ledger_place


@dataclass(frozen=True)
class EvaluationSettings:
    """The worlds loaded, and every path absolute."""

    worlds: Worlds
    workers: int
    inbox: Path
    lake: Path
    ledger: LedgerPlace

    @cached_property
    def worlds_hash(self) -> str:
        """Return the hash of every policy: whatever changes in one of them changes it."""
        known = {name: world.ruleset_hash for name, world in self.worlds.known.items()}
        return canon.sig_hash({"known": known, "broken": dict(self.worlds.broken)})

    def hash_of(self, dataset: str) -> str:
        """Return the hash of what shapes a dataset: of arrivals the names of the worlds, of all else their policies."""
        return canon.sig_hash(sorted(self.worlds.known)) if dataset == "run_bundles" else self.worlds_hash


@dataclass(frozen=True)
class EvaluationOverrides:
    """Paths given on a command line instead of those in the configuration."""

    worlds: Path | None = None
    inbox: Path | None = None
    lake: Path | None = None


def load_evaluation_settings(file: Path, overrides: EvaluationOverrides = EvaluationOverrides()) -> EvaluationSettings:
    """Return the settings that `config/platform.yaml` and the world files it points to declare.

    Raises ConfigError for what cannot be accepted, but not for a broken world: its runs wait, the others go on.
    """
    paths = load_section(file, "paths", Paths)
    base = file.resolve().parent.parent
    return EvaluationSettings(
        worlds=load_worlds(overrides.worlds or base / paths.worlds),
        workers=load_keys(file, WorkerSettings).workers,
        inbox=(overrides.inbox or base / paths.inbox).resolve(),
        lake=(overrides.lake or base / paths.lake).resolve(),
        ledger=ledger_place(file),
    )
