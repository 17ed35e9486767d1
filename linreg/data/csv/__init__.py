"""CSV files: dialect, header, rows, and the types of columns."""
