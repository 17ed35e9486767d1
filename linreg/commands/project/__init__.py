"""The commands about the repository that a project is in."""
