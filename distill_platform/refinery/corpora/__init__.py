"""Corpora: what leaves the refinery, behind a firewall of four layers that do not trust one another."""
