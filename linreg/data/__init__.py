"""Rows and columns: where they come from, what they mean, where they lie on disk."""
