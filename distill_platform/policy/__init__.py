"""Policy: what is measured (the catalogue), what a world demands of it, and the verdict, as pure functions of values."""
