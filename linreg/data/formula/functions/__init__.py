"""Functions in a formula: their values, and what some of them learn from the training rows."""
