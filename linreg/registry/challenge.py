"""A challenge: a new model replaces the champion only if it is significantly better.

Both predict the same test rows, on which the new model has not been trained. Metrics of another
time or of other rows play no part. How many models challenged this champion before does: see
`linreg.evaluation.paired.confidence_sequence`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from linreg.data.tables.parquet import TableFile
from linreg.errors import UserError
from linreg.evaluation.paired.confidence_sequence import confidence_of_interval
from linreg.evaluation.paired.paired_test import PairedTest, paired_test_on_file
from linreg.fit.model import LinearModel

SPLIT = "data/split"
"""The key under which a model has the MD5 of the rows that it was trained on."""


@dataclass(frozen=True)
class ChallengeResult:
    """What becomes of a new model, the reason in a sentence, and the test if there was one.

    refused: it must not be registered; challenger: it is registered, and the champion stays;
    champion: it replaces the champion.

    number  which challenge of this champion it is, counted from 1
    """

    outcome: Literal["refused", "challenger", "champion"]
    reason: str
    test: PairedTest | None = None
    number: int = 1

    @property
    def deciding_test(self) -> PairedTest | None:
        """The test with the interval that decides: that of the confidence sequence."""
        return self.test and interval_of_challenge(self.test, self.number)

    def comparison(self) -> dict[str, Any] | None:
        """Return the test as plain data for JSON; None if there was none."""
        test, decides = self.test, self.deciding_test
        if test is None or decides is None:
            return None
        interval = {"sequence_low": decides.low, "sequence_high": decides.high}
        return test.as_data() | {"challenge": self.number} | interval


def interval_of_challenge(test: PairedTest, number: int) -> PairedTest:
    """Return the test with its interval in the confidence sequence of a champion's challenges."""
    return test.at_confidence(confidence_of_interval(test.confidence, number))


def challenge(
    champion: LinearModel | None,
    label: str,
    challenger: LinearModel,
    test_rows: Path,
    confidence: float = 0.95,
    by: str = "row",
    others: Sequence[Path] = (),
    number: int = 1,
) -> ChallengeResult:
    """Compare a new model with the champion, which `label` names, on all rows of a file.

    `by` says as `split.by` which rows are independent. `others` are the files of the training and
    validation rows, whose variance may widen the interval. The new model is the `number`-th that is
    compared with this champion. Where the two cannot be compared, the champion stays.
    """
    if champion is None:
        return ChallengeResult("champion", "there was no champion")
    if champion.target != challenger.target:
        reason = f"it predicts {challenger.target}, and {label} predicts {champion.target}"
        return ChallengeResult("refused", reason)
    bias = _other_split(champion, label, challenger)
    obstacle = _column_mismatch(champion, test_rows)
    if not obstacle:
        try:
            test = paired_test_on_file(test_rows, champion, challenger, confidence, by, others)
        except UserError as error:
            obstacle = str(error)
    if obstacle:
        reason = f"{label} cannot be compared on these rows: {obstacle}{bias}"
        return ChallengeResult("challenger", reason)
    decides = interval_of_challenge(test, number)
    kind, _, column = by.partition(":")
    units = {"group": f" in {test.num_units} groups by {column}"}
    units["time"] = f" in {test.num_units} blocks of consecutive {column}"
    interval = f"{decides.low:.6g} to {decides.high:.6g}"
    in_sequence = f" by itself, {interval} as challenge {number} of this champion"
    numbers = (
        f"{label} on {test.num_rows} test rows{units.get(kind, '')}:"
        f" {test.in_words(in_sequence)}{bias}"
    )
    if decides.is_improvement:
        reason = f"it is significantly better than {numbers}"
        return ChallengeResult("champion", reason, test, number)
    relation = "significantly worse" if decides.is_deterioration else "not significantly better"
    return ChallengeResult("challenger", f"it is {relation} than {numbers}", test, number)


def _column_mismatch(model: LinearModel, rows: Path) -> str:
    """Return which column of the model the file lacks or has with another type; empty for none."""
    types = {field.name: str(field.type) for field in TableFile(rows).schema}
    for name, column in model.design.schema.columns.items():
        found = types.get(name)
        if found is None:
            return f"its column {name} is not in {rows}, because the present formula has none"
        if found != column.type:
            return f"its column {name} has type {column.type}, and {found} in {rows}"
    return ""


def _other_split(champion: LinearModel, label: str, challenger: LinearModel) -> str:
    """Return a warning if the champion was trained on another split; empty if not."""
    split = champion.hashes.get(SPLIT)
    if split == challenger.hashes.get(SPLIT):
        return ""
    return (
        f"; {label} was trained on another split (MD5 {split}) and may have seen some of these "
        "rows, which favours it"
    )
