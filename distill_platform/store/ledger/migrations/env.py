"""How Alembic runs a migration: in the caller's transaction, and with the guards put up again at its end.

Alembic changes a table of SQLite by making a new one, which has none of the old one's triggers.
"""

from __future__ import annotations

from alembic import context

from distill_platform.store.ledger.guards import put_up
from distill_platform.store.ledger.schema import VERSION_TABLE, revision_table

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=revision_table.metadata, version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
put_up(connection)
