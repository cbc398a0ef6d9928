"""The backtest engine side by side with vectorbt: the same strategy on the same bars, the same trades and money."""
