"""Floor 3: execution traces in, gated training corpora out."""
