"""Feeds: connectors with retry, breaker and health; market bars and events as facts, and the event pipeline."""
