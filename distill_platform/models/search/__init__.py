"""Search: models tried in batches by workers, the same trials in the same order however often it is killed."""
