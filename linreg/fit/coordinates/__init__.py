"""The coordinates that gradient descent works in, and the rates at which it is stable there."""
