"""A run in a journal on this disk, and its way to MLflow."""
