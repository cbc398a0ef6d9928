"""The assets: one module per stage of the pipeline, and `stage.py` for what they all share."""
