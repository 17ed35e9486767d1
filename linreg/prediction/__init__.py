"""A model applied to the rows of files: a prediction for each, or the reason why there is none."""
