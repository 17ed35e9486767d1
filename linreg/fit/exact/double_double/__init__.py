"""Arithmetic with twice the digits of float64, over many rows or columns: in kernels and numpy."""
