"""The normal equations of least squares: their factorization, and the estimate with its error."""
