"""A model applied to the rows of files: an answer or a reason for each."""
