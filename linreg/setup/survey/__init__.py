"""What a table holds: its columns one by one, and its rows as a formula sees them."""
