"""linreg: a linear regression that anyone can rerun, getting the same bits."""
