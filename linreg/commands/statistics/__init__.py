"""The commands that test and choose the terms of a model."""
