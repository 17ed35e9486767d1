"""Moved."""

from linreg.code import code_hash as code_hash
