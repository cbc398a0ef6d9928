"""Governance: what is proposed, and what named people decided; verdicts come in as values."""
