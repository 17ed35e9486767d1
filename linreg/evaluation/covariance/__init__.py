"""Covariance matrices of the coefficients: classical, robust, clustered, autocorrelated."""
