"""Rollout: how a model comes to serve step by step, is watched while it does, and is taken back by itself."""
