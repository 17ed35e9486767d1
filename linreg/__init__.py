"""linreg: a linear regression that anyone can rerun, getting the same bits."""

__version__ = "0.1.0"
