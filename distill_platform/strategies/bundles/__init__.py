"""Run bundles: the one form in which a backtest, a paper or a live run is handed in, whoever made it."""
