"""Proofs on demand: what was executed once is executed again elsewhere, and every output compared."""
