"""Elastic net: squared error with an absolute and a squared penalty, from the moments alone."""
