"""The backtest engine: target weights and bars in, steps, orders, trades and days out, all from one ledger."""
