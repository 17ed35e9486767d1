"""Sums and quantiles of all rows: exact, and so the same in any order and any processes."""
