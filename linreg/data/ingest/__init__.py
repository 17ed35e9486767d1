"""The user's table profiled, checked against the formula, and freed of incomplete rows."""
