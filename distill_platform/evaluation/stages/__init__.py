"""The stages of the evaluation: each reads what the one before published, and publishes its own days."""
