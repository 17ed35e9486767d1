"""The user's table fetched from a database, a lake or an address, to be read as a file."""
