"""The exact solution: moments of the training rows, and all that follows from them."""
