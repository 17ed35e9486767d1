"""Two predictions of the same rows: whether one is significantly better."""
