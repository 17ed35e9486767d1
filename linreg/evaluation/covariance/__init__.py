"""Covariance of the coefficients without equal variances: robust, clustered, autocorrelated."""
