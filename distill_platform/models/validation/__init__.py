"""Validation: which rows a model may learn from, and which it is judged by."""
