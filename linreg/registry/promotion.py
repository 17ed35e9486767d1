"""Whether a new model takes the place of the present champion: only where the whole interval says
that it is better.

Both predict the same test rows, which the new model has never seen. No number of another time or of
other rows plays a part.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from linreg.comparison.paired_test import PairedTest, paired_test_on_file
from linreg.data.tables.parquet import TableFile
from linreg.errors import UserError
from linreg.fit.model import LinearModel

SPLIT = "data/split"
"""The name under which a model knows the MD5 of the rows that it was fitted on."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of the new model, why in a sentence, and the interval where there is one.

    refused: it does not belong here at all; challenger: it stands beside the champion; champion: it
    is better.
    """

    decision: Literal["refused", "challenger", "champion"]
    why: str
    comparison: PairedTest | None = None


def contest(
    champion: LinearModel | None,
    label: str,
    challenger: LinearModel,
    test: Path,
    confidence: float = 0.95,
    group: str | None = None,
) -> Verdict:
    """Compare the new model with the champion, which `label` names, on all rows of the file `test`.

    `group` is the column by which rows belong together, if any. Where the two cannot be compared on
    these rows, the new model does not become champion.
    """
    if champion is None:
        return Verdict("champion", "there was no champion")
    if champion.target != challenger.target:
        return Verdict(
            "refused", f"it predicts {challenger.target}, and {label} predicts {champion.target}"
        )
    seen = _what_it_has_seen(champion, label, challenger)
    if lacking := _lacking(champion, test):
        return Verdict("challenger", f"{label} cannot be compared on these rows: {lacking}{seen}")
    try:
        found = paired_test_on_file(test, champion, challenger, confidence, group)
    except UserError as error:
        return Verdict("challenger", f"{label} cannot be compared on these rows: {error}{seen}")
    units = f"{found.num_rows} test rows" + (
        f" in {found.num_units} groups by {group}" if group else ""
    )
    told = f"on {units}: {found.in_words()}{seen}"
    if found.is_improvement:
        return Verdict("champion", f"it is better than {label} {told}", found)
    how = "is worse than" if found.is_deterioration else "is not known to be better than"
    return Verdict("challenger", f"it {how} {label} {told}", found)


def _lacking(model: LinearModel, test: Path) -> str:
    """Say which column the model reads and the file lacks, or has with another type; empty where
    all are there.
    """
    schema = TableFile(test).schema
    types = {field.name: str(field.type) for field in schema}
    for name, column in model.design.schema.columns.items():
        if types.get(name) != column.type:
            found = (
                f"holds {types[name]} there"
                if name in types
                else f"is not in {test}, as the formula leaves it out"
            )
            return f"column {name}, which it reads as {column.type}, {found}"
    return ""


def _what_it_has_seen(champion: LinearModel, label: str, challenger: LinearModel) -> str:
    theirs, ours = champion.hashes.get(SPLIT), challenger.hashes.get(SPLIT)
    if theirs == ours:
        return ""
    return f"; {label} was fitted on another split (MD5 {theirs}) and may have seen these rows, which makes it look better"
