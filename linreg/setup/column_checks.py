"""What is suspicious about single columns, told from their survey alone: which had better not be
features.

Every rule is a function that yields findings. A column is left out by the first rule that finds it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from linreg.data.formula.schema import kind_of
from linreg.setup.survey import ColumnSurvey, Survey

MOSTLY = 0.5
"""A column with a larger share of missing cells is left out."""
UNLUCKY = 0.01
"""A column is left out when the training rows may lack one of its levels with a larger
probability.
"""
_ID_NAME = re.compile(
    r"(?i:(^|[_ .-])(id|ids|uid|uuid|guid|idx|index|key|rownum|row|nr|no|number)$)|[a-z](Id|ID)$"
)


@dataclass(frozen=True)
class Finding:
    """Something that a person should know.

    what      a sentence
    done      what was done about it, or what to do
    left_out  the columns that are no features because of it, and `short` says why in a word or two
    hint      whether it is advice, and nothing is wrong
    """

    what: str
    done: str
    left_out: tuple[str, ...] = ()
    short: str = ""
    hint: bool = False


@dataclass(frozen=True)
class Facts:
    """What the rules look at: the survey, the share of rows that train, columns with another role,
    and the target.
    """

    survey: Survey
    train_share: float
    beside: Mapping[str, str]
    target: str | None = None


Rule = Callable[[Facts, str, ColumnSurvey], Finding | None]


def column_findings(facts: Facts) -> list[Finding]:
    """Return what is odd about single columns; a column has one finding at most."""
    findings = [finding for rule in (_equal_columns,) for finding in rule(facts)]
    out = {name for finding in findings for name in finding.left_out}
    for name, column in facts.survey.columns.items():
        if name in out or name in facts.beside:
            continue
        found = next((finding for rule in _RULES if (finding := rule(facts, name, column))), None)
        if found:
            findings.append(found)
    return findings


def _equal_columns(facts: Facts) -> Iterator[Finding]:
    seen: dict[int, str] = {}
    for name, column in facts.survey.columns.items():
        if column.profile.count == 0 or name in facts.beside:
            continue
        first = seen.setdefault(column.fingerprint, name)
        if first == name:
            continue
        if facts.target in (first, name):
            other = first if facts.target == name else name
            yield Finding(
                f"{other} is equal to the target in every row.",
                "Left out.",
                (other,),
                "equals target",
            )
        else:
            yield Finding(
                f"{name} is equal to {first} in every row.", "Left out.", (name,), f"equals {first}"
            )


def _nothing_in_it(_facts: Facts, name: str, column: ColumnSurvey) -> Finding | None:
    if column.profile.count == 0 and not column.infinite:
        return Finding(f"{name} holds no value at all.", "Left out.", (name,), "empty")
    return None


def _infinite(_facts: Facts, name: str, column: ColumnSurvey) -> Finding | None:
    if not column.infinite:
        return None
    return Finding(
        f"{name} holds {_counted(column.infinite, 'infinite number')}, the first in {column.first_infinite}.",
        "Left out; to use it make those cells empty.",
        (name,),
        "infinite",
    )


def _constant(_facts: Facts, name: str, column: ColumnSurvey) -> Finding | None:
    if column.distinct.count != 1:
        return None
    return Finding(
        f"{name} is {_cell(column.profile.min)} in every row.", "Left out.", (name,), "constant"
    )


def _time(_facts: Facts, name: str, column: ColumnSurvey) -> Finding | None:
    if kind_of(column.profile.type) not in ("time", "other"):
        return None
    if kind_of(column.profile.type) == "other":
        return Finding(f"{name} holds {column.profile.type}.", "Left out.", (name,), "no feature")
    return Finding(
        f"{name} holds dates or times, which are no features.",
        f"Left out. `split.by: time:{name}` tests on the newest rows.",
        (name,),
        "date",
    )


def _text(_facts: Facts, name: str, column: ColumnSurvey) -> Finding | None:
    profile, formats = column.profile, column.text_formats
    if not pa.types.is_string(profile.type):
        return None
    content = formats.content if profile.count else None
    if content == "number":
        return Finding(
            f"{name} holds numbers, but its type is text.",
            "Left out; to use it make a number of it, or write C() around it if it is a category.",
            (name,),
            "numbers as text",
        )
    where, cell = (
        formats.first_not_plain if content == "formatted number" else formats.first_not_number
    ) or ("", "")
    if content == "formatted number":
        return Finding(
            f"{name} holds numbers that are written with signs, such as {_cell(cell)} ({where}), which makes it text.",
            "Left out; to use it write plain numbers, such as 1200.5.",
            (name,),
            "numbers as text",
        )
    if content == "date":
        return Finding(
            f"{name} holds dates that are written as {_cell(cell)} ({where}), which makes it text.",
            "Left out. Written as 2024-12-31 they can be used in split.by.",
            (name,),
            "date as text",
        )
    if content == "mixed":
        others = profile.count - formats.numbers
        return Finding(
            f"{name} holds {_counted(formats.numbers, 'number')}, but also {_counted(others, 'cell')} like"
            f" {_cell(cell)} ({where}), which makes it text.",
            "Left out. Correct those cells, or make them empty; or write C() around it if it is a category.",
            (name,),
            "mixed",
        )
    if column.distinct.repeats == 0 and profile.count > 1 and profile.is_free_text:
        return Finding(
            f"{name} is text that is different in every row, such as {_cell(profile.min)}.",
            "Left out: it names the rows.",
            (name,),
            "names rows",
        )
    if profile.is_free_text:
        number = f"{'' if column.distinct.exact else 'about '}{column.distinct.count}"
        return Finding(
            f"{name} is text with {number} different values in {profile.count} cells, too many for a category.",
            "Left out.",
            (name,),
            "free text",
        )
    return None


def _row_number(facts: Facts, name: str, column: ColumnSurvey) -> Finding | None:
    if (
        not pa.types.is_integer(column.profile.type)
        or column.profile.missing
        or name == facts.target
    ):
        return None
    unique = column.distinct.repeats == 0 and column.profile.count > 2
    looks_like_one = bool(_ID_NAME.search(name))
    first = next(iter(facts.survey.columns)) == name
    from_the_start = column.counts_up and column.profile.min in (0, 1)
    if unique and ((from_the_start and first) or looks_like_one):
        steps = ", in steps of one" if column.counts_up else ""
        return Finding(
            f"{name} is different in every row{steps}: a row number.",
            "Left out.",
            (name,),
            "row number",
        )
    return None


def _mostly_missing(facts: Facts, name: str, column: ColumnSurvey) -> Finding | None:
    missing = column.profile.missing / facts.survey.num_rows
    if missing <= MOSTLY or name == facts.target:
        return None
    return Finding(
        f"{name} lacks {missing:.0%} of its cells.", "Left out.", (name,), "mostly missing"
    )


def _rare_level(facts: Facts, name: str, column: ColumnSurvey) -> Finding | None:
    """The split draws rows: a level of few rows may have none in training, and would stop the
    evaluation.
    """
    if name == facts.target:
        return None
    levels = column.profile.levels
    if kind_of(column.profile.type) == "number":
        if not column.distinct.exact:
            return None
        others = column.profile.count - column.distinct.most_frequent
        if (
            others > column.distinct.most_frequent / 3
            or (1 - facts.train_share) ** others <= UNLUCKY
        ):
            return None
        return Finding(
            f"{name} has the same value in all but {_counted(others, 'row')}, which may all be test rows.",
            "Left out.",
            (name,),
            "almost constant",
        )
    if not levels or sum((1 - facts.train_share) ** times for times in levels.values()) <= UNLUCKY:
        return None
    rarest = min(levels, key=lambda level: (levels[level], str(level)))
    return Finding(
        f"{name} has levels with very few rows, such as {_cell(rarest)} with {levels[rarest]}: the training rows may"
        " have none of them, and the evaluation would stop.",
        "Left out; to use it put rare levels together.",
        (name,),
        "rare levels",
    )


def _no_name_for_a_formula(_facts: Facts, name: str, _column: ColumnSurvey) -> Finding | None:
    if "`" not in name:
        return None
    return Finding(
        f"The name {name} has a back-quote, which no formula can hold.",
        "Left out.",
        (name,),
        "its name",
    )


_RULES: tuple[Rule, ...] = (
    _nothing_in_it,
    _infinite,
    _constant,
    _time,
    _text,
    _row_number,
    _mostly_missing,
    _rare_level,
    _no_name_for_a_formula,
)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _cell(value: object) -> str:
    text = " ".join(str(value).split())
    return f"'{text if len(text) <= 30 else text[:29] + '…'}'" if isinstance(value, str) else text
