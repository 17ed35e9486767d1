"""Stochastic gradient descent in compiled kernels: the same steps at the speed of memory."""
