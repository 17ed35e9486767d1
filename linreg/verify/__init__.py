"""A commit executed again elsewhere, and every output compared."""
