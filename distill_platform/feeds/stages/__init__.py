"""The stages of the feeds, each for a range of days."""
