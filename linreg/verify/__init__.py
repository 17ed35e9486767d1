"""A commit or a run repeated in a clone, and every output compared; certified values."""
