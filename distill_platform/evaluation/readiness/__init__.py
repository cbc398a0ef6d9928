"""Readiness: what a bundle lacks to be judged, and to be learned from, said before it is handed in."""

from distill_platform.evaluation.readiness.findings import Finding, Level, WorldFacts
from distill_platform.evaluation.readiness.linting import lint, lint_folder

__all__ = ["Finding", "Level", "WorldFacts", "lint", "lint_folder"]
