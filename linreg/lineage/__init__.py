"""From outputs to the runs that produced them, and to their evaluations."""
