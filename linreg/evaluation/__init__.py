"""How good a model is: metrics, inference, and gates."""
