"""Predictions: what each model said of each symbol, what it was made of, and whether it decided."""
