"""Rows and columns: where they come from, how they are stored, what a model is fitted to."""
