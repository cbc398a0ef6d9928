"""Migrations: one module per version of the schema, frozen once released."""
