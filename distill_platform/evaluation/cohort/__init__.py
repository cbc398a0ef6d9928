"""Cohorts: what a run is worth among the runs it was chosen from, and beside those that trade already."""
