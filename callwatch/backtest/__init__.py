"""Backtest: what rules would have said of a recording, held against what is known to have happened in it."""
