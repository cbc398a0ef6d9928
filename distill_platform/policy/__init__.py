"""Policy: what is measured (the catalogue), what a world demands of it, and the verdict: pure functions of values."""
