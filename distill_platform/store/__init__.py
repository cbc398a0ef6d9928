"""Floor 1: where facts and results are kept."""
