"""What is wrong with files of DVC's own, and whether it is only that their end is missing."""
