"""The commands about the files of a project and the repository that they are in."""
