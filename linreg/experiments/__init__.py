"""DVC experiments: the pipeline run with other parameters, beside the workspace."""
