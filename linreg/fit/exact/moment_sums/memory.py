"""Whether a machine has the memory for an exact solution, before any row is read."""

import math
import re
from pathlib import Path

from linreg.data.formula.compact_matrix import Layout
from linreg.errors import UserError

BYTES_PER_PAIR = 250
"""Of two columns: moments, Gram matrix, its factor and inverse. Measured for 1000 columns: 230."""
BYTES_PER_LEVEL_SUM = 150
"""Of a level and another column, whose products are sums by level. Measured for 100,000 levels.

A second pass over the rows took up to 2.4 times as much, for 5000 levels and 1000 others.
"""
BYTES_PER_LINK = 150
"""Of a pair of levels of two factors that are eliminated together. Measured for 10⁶ pairs: 140."""
SHARE_OF_FOLD = 0.25
"""Of those, what the moments of a fold take: the sums alone, and their copies."""
PRODUCTS_PER_SECOND = 8e8
"""Of two columns in a row, in double-double."""
CUBES_PER_SECOND = 4e8
"""Columns to the power of three that are factorized, inverted and multiplied."""
NEGLIGIBLE = 1 << 30
"""Bytes that a machine is taken to have."""

_AVAILABLE = re.compile(r"MemAvailable:\s+(\d+) kB")


def require_memory(layout: Layout, num_rows: int, num_folds: int = 0) -> None:
    """Raise UserError, with the memory and the time, if the exact solution does not fit."""
    needed = int(needed_bytes(layout, num_rows) * (1 + SHARE_OF_FOLD * num_folds))
    if needed <= NEGLIGIBLE or (available := available_bytes()) is None or needed <= available:
        return
    minutes = seconds(layout, num_rows) / 60
    raise UserError(
        "the design matrix",
        f"has {layout.num_features:,} columns, whose exact solution takes about"
        f" {needed / 1e9:.0f} GB of memory, and {minutes:.0f} minutes",
        found=f"{available / 1e9:.0f} GB available",
        todo="absorb two factors of very many levels only, or take a machine with more memory"
        if layout.absorbed
        else "take fewer columns, or a machine with more memory",
    )


def needed_bytes(layout: Layout, num_rows: int) -> int:
    """Return about how much memory the exact solution takes, besides that of the rows."""
    eliminated = len(layout.eliminated_columns)
    rest = layout.num_features - eliminated + 2 + len(layout.monomials)
    sizes = [layout.categories[k].size for k in layout.eliminated] if layout.categories else []
    links = min(num_rows, math.prod(sizes)) if len(sizes) > 1 else 0
    of_levels = BYTES_PER_LEVEL_SUM * eliminated * rest
    return BYTES_PER_PAIR * rest * rest + of_levels + BYTES_PER_LINK * links


def seconds(layout: Layout, num_rows: int) -> float:
    """Return about how long summing and solving take on one core."""
    # The remainders of powers are summed up like columns.
    num_dense = int(layout.is_dense.sum()) + 2 + len(layout.monomials)
    eliminated = len(layout.eliminated_columns)
    rest = layout.num_features - eliminated + 2
    products = num_rows * num_dense * num_dense / 2 + eliminated * rest * rest / 2
    return products / PRODUCTS_PER_SECOND + rest**3 / CUBES_PER_SECOND


def available_bytes() -> int | None:
    """Return the memory that Linux can give to a process; None where it does not say."""
    try:
        found = _AVAILABLE.search(Path("/proc/meminfo").read_text())
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
