"""All of `linreg use`: a table surveyed, and parameters proposed for it."""
