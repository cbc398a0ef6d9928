"""Evaluation: run bundles in, integrity first, then metrics, overfitting controls, verdicts and reports."""
