"""Settings with which gradient descent ends at the minimum, from a forecast of where it will."""
