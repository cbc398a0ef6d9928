"""The chain: from a frame and bars to models that were fitted, run and compared; values in, values out."""
