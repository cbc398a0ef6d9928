"""Models: what features, training, search and predictions cost, beside what a user would pick instead."""
