"""Stochastic gradient descent: the engine that uses autograd, and what surrounds its steps."""
