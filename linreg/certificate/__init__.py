"""The certificate of a verification: an in-toto statement that is signed and that others check."""
