"""distill_platform: execution traces and strategy runs in, things a research group can trust out."""

__version__ = "0.1.0"
