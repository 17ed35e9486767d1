"""What is wrong with a table, or will be with a model that is trained on it."""
