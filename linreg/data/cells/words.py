"""The words for missing, true and false."""

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
    # The databases': PostgreSQL, MySQL, Hive, Snowflake.
    r"\N",
)
"""What a missing cell may hold, blanks around it ignored, in text as among numbers."""
MISSING_AMONG_VALUES = (
    ".",
    "..",
    "...",
    ":",
    "-",
    "--",
    "---",
    "–",
    "—",
    "na",
    "Na",
    "n.a.",
    "N.A.",
    "n/d",
    "N/D",
    "none",
    "NONE",
    "nil",
    "Null",
    "NaT",
    "#DIV/0!",
    "#VALUE!",
    "#REF!",
    "#NUM!",
    "#NAME?",
    "#NULL!",
    "#N/A N/A",
    # What C on Windows prints for NaN.
    "1.#IND",
    "-1.#IND",
    "1.#QNAN",
    "-1.#QNAN",
    "\xa0",
)
"""What is a missing cell only where all other cells of its column are numbers, dates or truth
values. In a column of text these words may be levels.

Statistical offices write a lone `-` for "exactly zero", so that a note has to say how it was read.
"""
NO_AMOUNT = r"^(\p{Sc}[ \x{a0}]*[-–—]+|[-–—]+[ \x{a0}]*\p{Sc})$"
"""What Excel's accounting format shows for zero: `$ -`. It is treated like a lone `-`."""
TRUE = ("true", "True", "TRUE")
FALSE = ("false", "False", "FALSE")
BLANKS = " \t"
"""What pyarrow's conversion ignores around a number."""
