"""Regression diagnostics of the least squares fit to the training rows."""
