"""Merging two versions of dvc.lock: stage by stage, and only what was really run."""
