"""A formula and its design matrix: from names and cells to X and y."""
