"""Governance: what is recommended, and which named people decided what on it, why and when. It computes no verdict."""
