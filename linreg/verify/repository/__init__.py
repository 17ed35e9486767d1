"""Any git repository with dvc.yaml and dvc.lock: its stages, run again and compared."""
