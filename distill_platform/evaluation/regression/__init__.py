"""Regression sets: runs of which is known what they are, and whether a policy still tells them apart."""
