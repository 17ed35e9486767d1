"""The first value in which two files differ, and by how much."""
