"""DVC experiments: the pipeline run with other parameters, outside of the workspace."""
