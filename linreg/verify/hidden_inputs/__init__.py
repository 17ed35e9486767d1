"""What a stage reads and does not declare: files, folders and parameters, and the lines to add."""
