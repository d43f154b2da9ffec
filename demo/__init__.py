"""A simulated study: the scanner data, the archive's extras and the ground truth behind them."""
