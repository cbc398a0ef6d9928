"""Market data for backtests: presets that an installed package carries, and a user's own files of bars."""
