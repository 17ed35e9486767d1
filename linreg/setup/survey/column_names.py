"""What the name of a column says: an identifier, a year or another place in time or space."""

import re

from linreg.setup.survey.column_survey import ColumnSurvey

_ID = re.compile(r"(?i:(^|[_ .-])(id|ids|uid|uuid|guid|identifier)$)|[a-z](Id|ID)$")
_ROW_NUMBER = re.compile(
    r"(?i:(^|[_ .-])(id|ids|uid|uuid|guid|identifier|idx|index|key|rownum|row|n[ro°º]|number)\.?$)"
    r"|[a-z](Id|ID)$"
    # What pandas, R, databases, SAS, SPSS, Stata and people call the numbers of rows in a column.
    r"|^(?i:unnamed: \d+|level_\d+|_?row[._ ]?(names?|id|num(ber)?)_?|\.\.\.\d+|rn|#|№|s/?no\.?"
    r"|\$?casenum|case[._ ]?(n[ro]|num(ber)?)?|_n_?|obs|seq|serial)$"
)
_FIRST_IN_R = re.compile(r"^X(1|\.\d+)?$")
_INDEX = re.compile(r"^(Unnamed: 0(\.\d+)*|__index_level_\d+__)$")
_PERSON = (
    r"(patient|subject|participant|respondent|person|individual|proband|customer|client|user|member"
    r"|household|family|twin|student|pupil|child|employee|worker|driver|player|athlete|animal|mouse"
    r"|donor|panelist|interviewee)"
)
_PERSONS = re.compile(rf"(?i:(^|[_ .-]){_PERSON}$)")
_PERSON_NUMBERS = re.compile(
    rf"(?i:(^|[_ .-]){_PERSON}[_ .-]?(id|nr|no|num|number|code|key)$)|(?i:{_PERSON})(Id|ID|No|Nr)$"
)
_YEAR = re.compile(r"(?i:year(?!s|ly)|jahr|(^|[_ .-])yr([_ .-]|$))|^Yr[A-Z]")
_WHEN_OR_WHERE = re.compile(
    r"(?i:(^|[_ .-])(date|datetime|timestamp|month|day|weekday|hour|minute|week|quarter|lat"
    r"|latitude|lon|lng|long|longitude|zip|zipcode|postcode|postal_?code)$)"
)
FIRST_YEAR, LAST_YEAR = 1500, 2200


def is_id(name: str) -> bool:
    """Whether a column is named an identifier, such as `order_id` or `userId`."""
    return bool(_ID.search(name))


def is_row_number(name: str) -> bool:
    """Whether a column is named an identifier or the number of its row, such as `nr`."""
    return bool(_ROW_NUMBER.search(name))


def is_index(name: str) -> bool:
    """Whether a column is named as pandas names the index of a data frame, and nobody else."""
    return bool(_INDEX.search(name))


def is_row_name_in_r(name: str) -> bool:
    """Whether a column is named as R names the row names of another table, if it comes first."""
    return bool(_FIRST_IN_R.search(name))


def is_person(name: str) -> bool:
    """Whether a column is named after persons, households and the like, such as `patient`."""
    return bool(_PERSONS.search(name))


def is_person_number(name: str) -> bool:
    """Whether a column is named the number of a person, such as `patient_id` or `user no`."""
    return bool(_PERSON_NUMBERS.search(name))


def is_year(name: str, column: ColumnSurvey) -> bool:
    """Whether a column is named a year and holds whole numbers that may be years, as 1998 or 98."""
    low, high = column.profile.min, column.profile.max
    if not _YEAR.search(name) or not isinstance(low, int | float) or low % 1 or high % 1:
        return False
    return bool(FIRST_YEAR <= low <= high <= LAST_YEAR or 0 <= low <= high <= 99)


def is_when_or_where(name: str) -> bool:
    """Whether a column is named a part of a date, a coordinate or a postal code."""
    return bool(_WHEN_OR_WHERE.search(name))
