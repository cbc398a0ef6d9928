"""Connectors: for each kind of source, what to ask for and how to read what comes."""

from distill_platform.feeds.connectors.connector import Connector, LocalFile, Wanted
from distill_platform.feeds.connectors.opening import connector_of

__all__ = ["Connector", "LocalFile", "Wanted", "connector_of"]
