"""Lets `python -m distill_platform.cli` do what `distill` does."""

from distill_platform.cli import main

main()
