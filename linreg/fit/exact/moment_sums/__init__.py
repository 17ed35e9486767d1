"""Moments of rows, summed in one pass, and the Gram matrix that they come to."""
