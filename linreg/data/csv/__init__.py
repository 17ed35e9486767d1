"""CSV files: dialect, header, rows, and the values of cells."""
