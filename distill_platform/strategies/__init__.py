"""Strategies: declarative graphs, node kinds, ablation by rewriting, the backtest engine, and run bundles."""
