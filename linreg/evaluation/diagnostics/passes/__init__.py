"""Passes of diagnostics over the training rows: what they add up, and which rows they keep."""
