"""The results of a run in a terminal, and its coefficient table for other programs and papers."""
