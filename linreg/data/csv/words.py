"""The words of CSV cells that are missing, true or false, and the blanks around them."""

MISSING = (
    "",
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "#NA",
    "<NA>",
    "null",
    "NULL",
    "None",
    "?",
    "nan",
    "NaN",
    "NAN",
    "Nan",
    "-nan",
    "-NaN",
)
"""The words of a missing cell, blanks around them ignored.

A lone `-` is not among them: statistical offices write it for "exactly zero", so a person has to
decide.
"""

TRUE = ("true", "True", "TRUE")
FALSE = ("false", "False", "FALSE")
BLANKS = " \t"
"""What pyarrow's conversion ignores around a number."""
