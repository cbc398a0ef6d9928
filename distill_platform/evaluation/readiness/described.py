"""What the manifest must say for a run to be judged: world, data, costs, trials, and what kind of run it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from distill_platform.core.config import nearest
from distill_platform.core.errors import CanonError
from distill_platform.evaluation.readiness.findings import Finding, error, warning
from distill_platform.policy.world import World
from distill_platform.strategies.bundles.manifest import RunManifest
from distill_platform.strategies.bundles.repro import repro_hash
from distill_platform.strategies.words import DataRegime, RunSource, ScoreSource

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def of_world(manifest: RunManifest, worlds: Mapping[str, World]) -> Iterator[Finding]:
    """Yield what is wrong with the world and the data a run names."""
    world = worlds.get(manifest.world_id)
    if world is None:
        message = f"world_id: there is no world {manifest.world_id!r}, so no policy judges the run"
        yield error("unknown_world", message, nearest(manifest.world_id, list(worlds)))
    elif manifest.data_preset not in (presets := [preset.id for preset in world.data.presets]):
        message = f"data_preset: {manifest.data_preset!r} is none of {world.world_id}"
        yield warning("preset_not_in_world", message, nearest(manifest.data_preset, presets))
    if not manifest.dataset_fingerprint.strip():
        message = "dataset_fingerprint: empty, so nobody can say which data the run saw"
        yield error("fingerprint_missing", message, "Write the hash of the data, such as the engine gives it")


def of_costs(manifest: RunManifest) -> Iterator[Finding]:
    """Yield the profiles that say nothing in numbers."""
    for name in ("fee", "slippage", "funding"):
        if not _has_number(getattr(manifest.profiles, name)):
            message = f"profiles.{name}: holds no number, so the costs that were assumed are not sealed"
            yield error("profile_without_numbers", message, f'Write it like {{"model": "linear", "{name}_bps": 1.0}}')


def _has_number(value: object) -> bool:
    if isinstance(value, Mapping | list):
        return any(map(_has_number, value.values() if isinstance(value, Mapping) else value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def of_trials(manifest: RunManifest) -> Iterator[Finding]:
    """Yield what makes the declared search hard to believe."""
    search = manifest.search
    if search.declared_trials == 1 and search.parameters:
        message = "search: declares a single trial, and parameters that one was chosen from"
        yield warning("single_trial", message, "Declare every variant that was tried; undeclared ones are found out")
    if search.declared_trials > 1 and not search.parameters:
        message = f"search: declares {search.declared_trials} trials, and not which parameters this one has"
        yield warning("parameters_missing", message, "Write this trial's parameters")


def of_origin(manifest: RunManifest) -> Iterator[Finding]:
    """Yield what keeps a run from being repeated, or from counting for a release."""
    if not _repeats(manifest):
        message = "repro_hash: is not worked out as ours is, so only a second run with the same one can confirm it"
        yield warning("repro_hash_unconfirmed", message, "Hand in a second run of the very same, or hash as docs say")
    if not _COMMIT.fullmatch(manifest.commit_sha):
        message = f"commit_sha: {manifest.commit_sha[:80]!r} does not look like a commit"
        yield warning("commit_unknown", message, "Write the output of `git rev-parse HEAD`")
    counted = (RunSource.PROD, ScoreSource.MODEL, DataRegime.PROD_LIVE)
    if (manifest.run_source, manifest.score_source, manifest.data_regime) != counted:
        message = f"run_source {manifest.run_source}, score_source {manifest.score_source}, data_regime"
        said = f"{message} {manifest.data_regime}: the run is shown, and counts for no release"
        yield warning("monitor_only", said, f"Releases count {counted[0]}, {counted[1]} and {counted[2]} only")


def _repeats(manifest: RunManifest) -> bool:
    try:
        return repro_hash(manifest) == manifest.repro_hash
    except CanonError:
        return False
