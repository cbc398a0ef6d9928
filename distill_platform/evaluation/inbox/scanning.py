"""Scanning: what lies in the inbox, told from names and kinds alone."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from distill_platform.core.errors import SourceError
from distill_platform.strategies.bundles.bundle_folder import open_folder
from distill_platform.strategies.bundles.manifest import IDENTIFIER
from distill_platform.strategies.bundles.refusal import BundleRefused, RefusalReason, shown


class FolderState(StrEnum):
    """How far a folder of the inbox is: `incomplete` may become `complete`, `refused` cannot be a bundle at all."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"


@dataclass(frozen=True)
class Found:
    """One entry of the inbox; `refusal` says what is wrong with one that is refused."""

    name: str
    folder: Path
    state: FolderState
    refusal: BundleRefused | None = None


def scan(inbox: Path) -> list[Found]:
    """Return every entry of the inbox by name; hidden ones are somebody's unfinished work and left out.

    No link is followed and nothing is read. An inbox that is not there is empty; SourceError for one that cannot be
    listed.
    """
    try:
        names = sorted(os.listdir(inbox))
    except FileNotFoundError:
        return []
    except OSError as error:
        hint = "The inbox is a folder that this process may read"
        raise SourceError(f"the inbox {inbox} cannot be listed: {error.strerror or error}", hint=hint) from None
    return [_found(inbox / name, name) for name in names if not name.startswith(".")]


def _found(folder: Path, name: str) -> Found:
    try:
        if not re.fullmatch(IDENTIFIER, name):
            hint = "A bundle's folder is named after its run: letters, digits and ._:@+=-, at most 128 of them"
            raise BundleRefused(RefusalReason.BAD_NAME, f"{shown(name)} is no name of a run", hint=hint)
        with open_folder(folder) as opened:
            state = FolderState.COMPLETE if opened.is_complete() else FolderState.INCOMPLETE
    except BundleRefused as refusal:
        return Found(name, folder, FolderState.REFUSED, refusal)
    return Found(name, folder, state)
