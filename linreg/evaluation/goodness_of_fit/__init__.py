"""How well a model fits the rows it was fitted to: likelihood, quantiles of the residuals."""
