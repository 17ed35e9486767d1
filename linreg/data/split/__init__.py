"""Training, validation and test rows: which row goes where, and how it gets there."""
