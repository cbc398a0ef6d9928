"""Where state lives, and how many work on it: the part of `config/platform.yaml` that every room shares."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from distill_platform.core.config import StrictModel, load_section

LEDGER_URL = "DISTILL_LEDGER_URL"
"""Names the ledger where a deployment must: its password belongs into no file. It wins over the configuration."""


class Paths(StrictModel):
    """Where things lie, relative to the folder that holds `config/`."""

    sources: str = "config/sources"
    eval_sets: str = "config/eval_sets"
    worlds: str = "config/worlds"
    feeds: str = "config/feeds"
    events: str = "config/events.yaml"
    gazetteers: str = "config/gazetteers"
    models: str = "config/models"
    data: str = "data/sources"
    inbox: str = "data/inbox"
    keys: str = "data/keys"
    lake: str = "data/lake"


class WorkerSettings(StrictModel):
    """How many processes or threads a room may work with at once; what comes out does not depend on it."""

    workers: Annotated[int, Field(ge=1, le=256)] = 2


class LedgerSettings(StrictModel):
    """Where the ledger lies, and where the heads of its streams are kept: anywhere but in its own database."""

    url: str = "sqlite:///data/ledger/ledger.sqlite"
    anchors: str = "data/ledger/anchors.jsonl"


@dataclass(frozen=True)
class LedgerPlace:
    """The ledger's URL and the file of its anchors, both usable from any folder."""

    url: str
    anchors: Path


def ledger_place(file: Path) -> LedgerPlace:
    """Return where the ledger of the configuration `file` lies; `DISTILL_LEDGER_URL` wins over its URL."""
    settings = load_section(file, "ledger", LedgerSettings)
    base = file.resolve().parent.parent
    url = os.environ.get(LEDGER_URL) or settings.url
    scheme, separator, path = url.partition(":///")
    if scheme == "sqlite" and separator and path:
        url = f"sqlite:///{(base / path).resolve()}"
    return LedgerPlace(url, (base / settings.anchors).resolve())
