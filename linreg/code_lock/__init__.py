"""Which code and which libraries each stage runs: code.lock."""
