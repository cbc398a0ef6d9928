"""The Dagster door: one module per Dagster concept, one module per stage in `assets/`; no domain logic.

Nothing is imported here, so that `dagster.yaml` can name the storage without loading the graph.
"""
