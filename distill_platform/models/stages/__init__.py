"""The stages of the models: features by day, training by week, rollout and predictions by day."""
