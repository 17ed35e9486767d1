"""The pipeline in a repository of one's own: `linreg init` and `linreg upgrade`."""
