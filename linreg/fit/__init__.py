"""The model and how it is fitted."""
