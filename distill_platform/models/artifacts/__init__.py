"""Artifacts: models sealed with a manifest and a signature, which are verified before anything parses them."""
