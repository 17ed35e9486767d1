"""Commands about MLflow: its store, its registry, its pages, its server of models."""
