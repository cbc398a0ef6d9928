"""Migrating: from any older version of the schema to the newest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_HERE = Path(__file__).parent / "migrations"
VERSIONS = _HERE / "versions"


def upgrade(connection: Connection, to: str = "head", versions: Sequence[Path] = (VERSIONS,)) -> None:
    """Migrate the database within the transaction of `connection`; rows are carried over, never changed."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(map(str, versions)).replace("%", "%%"))
    command.upgrade(config, to)
