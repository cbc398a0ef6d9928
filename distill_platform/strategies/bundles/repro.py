"""The repro hash: everything a run's numbers depend on, as one hash, sealed with the run.

Same code, same data, same graph, same costs, same seeds: same hash, and then the numbers must be the same to the bit.
Who ran it, when, for which cohort and under which name make no difference to the numbers, so they are not in it.
"""

from __future__ import annotations

from typing import Any

from distill_platform.core.canon import refuse_non_finite, sig_hash
from distill_platform.core.utc import iso
from distill_platform.strategies.bundles.manifest import RunManifest

REPRO_FIELDS = (
    "code_version", "commit_sha", "data_preset", "dataset_fingerprint", "profiles", "seeds", "rounding", "nodes",
    "ablation_spec", "sizing", "model", "ensemble_policy",
)  # fmt: skip


def claim_hash(manifest: RunManifest) -> str:
    """Return the hash of all that a run says its numbers follow from, its own `repro_hash` and trial included.

    Two runs of a strategy with the same one claim to be the same run: then they have the same numbers, or lie.
    """
    sealed = {*REPRO_FIELDS, "repro_hash", "strategy_id"}
    fields: dict[str, Any] = manifest.model_dump(mode="json", include=sealed)
    return sig_hash(
        fields | {"window": manifest.window.model_dump(mode="json"), "search": manifest.search.model_dump()}
    )


def repro_hash(manifest: RunManifest) -> str:
    """Return the hash of what determines a run's numbers: `REPRO_FIELDS`, its window, its search's parameters.

    A run that says the truth about itself has it as its `repro_hash`; whoever edits one of these fields afterwards
    has to edit that as well, and the run then claims to be another one. Moments are written in UTC.

    Raises CanonError(`non_finite_number`) for a NaN or an infinity among the fields.
    """
    fields: dict[str, Any] = manifest.model_dump(include=set(REPRO_FIELDS))
    fields["window"] = {"start": iso(manifest.window.start), "end": iso(manifest.window.end)}
    fields["search_parameters"] = manifest.search.parameters
    refuse_non_finite(fields)
    return sig_hash(fields)
