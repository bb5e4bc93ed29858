//! Access keys and who stands behind them.
