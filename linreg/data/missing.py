"""How a missing cell is written in CSV."""

MISSING = (
    "", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "null", "NULL", "None", "?",
    "nan", "NaN", "NAN", "Nan", "-nan", "-NaN",
)  # fmt: skip
"""The words of a missing cell, blanks around them ignored.

A lone `-` is not among them: statistical offices write it for "exactly zero", so a person has to decide.
"""
