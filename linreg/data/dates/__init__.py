"""Dates and times that are written as text or digits: formats, and their recognition."""
