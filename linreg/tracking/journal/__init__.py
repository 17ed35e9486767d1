"""The journal of a run, which a stage writes to this disk."""
