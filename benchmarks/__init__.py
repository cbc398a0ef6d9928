"""Benchmarks: what `make bench` measures, side by side with a peer, as ratios."""
