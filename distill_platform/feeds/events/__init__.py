"""Events: what was reported, when, about whom, how often and how well, as typed facts that features are made of."""
