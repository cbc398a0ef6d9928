"""The versions, oldest first. Downgrades do not exist: nothing recorded is ever given up."""
