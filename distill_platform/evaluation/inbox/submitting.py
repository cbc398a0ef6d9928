"""Submitting: a sealed bundle, wherever it lies, verified and copied into the inbox."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from distill_platform.strategies.bundles.bundle_folder import open_folder
from distill_platform.strategies.bundles.limits import LIMITS, Limits
from distill_platform.strategies.bundles.manifest_soundness import refuse_future
from distill_platform.strategies.bundles.reading import read_sealed
from distill_platform.strategies.bundles.refusal import BundleRefused, RefusalReason, shown
from distill_platform.strategies.bundles.sealing import publish_files


def submit(source: Path, inbox: Path, now: datetime, *, limits: Limits = LIMITS) -> Path:
    """Return the folder `<inbox>/<run_id>` that holds a copy of the sealed bundle in `source`, whatever that is called.

    Files are copied, never linked; the copy appears whole or not at all. The same bundle again changes nothing. Raises
    BundleRefused for what the inbox would refuse, and for a run_id that it already has with other bytes.
    """
    bundle = read_sealed(source, limits=limits)
    refuse_future(bundle.manifest, now)
    run_id = bundle.manifest.run_id
    if not os.path.lexists(inbox / run_id):
        with open_folder(source, limits) as opened:
            seal = opened.seal()
            publish_files(inbox, run_id, ((name, opened.verified(name, seal)) for name in seal.sums))
    _refuse_other(inbox / run_id, bundle.sha256, limits)
    return inbox / run_id


def _refuse_other(folder: Path, sha256: str, limits: Limits) -> None:
    """Refuse unless the folder that the inbox has now is sealed as the very same bundle."""
    with open_folder(folder, limits) as opened:
        if opened.is_complete() and opened.seal().sha256 == sha256:
            return
    message = f"{folder.parent} already has {shown(folder.name)}, and it is another bundle"
    hint = "A run is never overwritten: give this one a run_id of its own, and name the other in `supersedes`"
    raise BundleRefused(RefusalReason.DUPLICATE_ID, message, hint=hint)
