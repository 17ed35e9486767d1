"""All of `linreg use`: a table is surveyed and checked, and parameters are proposed for it."""
