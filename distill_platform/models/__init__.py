"""Models: features, training, search, artifacts, promotion and rollout. A model is judged like any strategy."""
