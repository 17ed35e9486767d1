"""`linreg predict MODEL INPUT OUTPUT`: a prediction, or the reason why there is none, for every row
of a table.

OUTPUT has one row for each row of INPUT, in the same order, with the columns

    file         of which file, when INPUT is a folder
    row          which row of the file, counted from 1 below a header
    …            the columns named by --keep; those of a CSV stay text as they are written, missing
                 cells are empty
    prediction   empty where there is none
    low, high    with --interval: where a single new observation (of weight 1) will lie
    reason       ok, or what is to be said about the row; several are joined by `; `

No prediction: `missing value: COLUMN`, `not a number: COLUMN` (text in a CSV), `not finite: COLUMN`
(infinite or NaN, or an expression of the formula), `unseen level: COLUMN` (a category that training
did not have), `too large to predict from`. A prediction to be careful with: `outside the training
range: COLUMN`, `filled with the mean: COLUMN` (of the training rows, by a model with
ingest.missing=mean), `prediction outside its interval`, `too large for an interval`.

The bounds are those around the exact least squares fit, which lies beside the model. Where gradient
descent stopped short of it, the prediction is not in their middle; how far off it is at most is
printed.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from linreg.data.source import Source, open_source
from linreg.errors import UserError
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import LinearModel, load
from linreg.prediction.answers import Answers, Interval, answer
from linreg.prediction.batches import Batches
from linreg.prediction.output import OK, as_rows, columns, new_output, require_suffix

URI_SCHEMES = ("models:/", "runs:/")
ALL = "."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    # --keep takes what follows it, so the options come last.
    parser.usage = (
        "linreg predict MODEL INPUT OUTPUT [--keep COLUMN ...] [--interval P] [--max-bad SHARE]"
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a folder such as models/model, or models:/NAME@ALIAS of MLflow",
    )
    parser.add_argument(
        "input", type=Path, metavar="INPUT", help="a CSV or Parquet file, or a folder of them"
    )
    parser.add_argument(
        "output", type=Path, metavar="OUTPUT", help="the file to write, .csv or .parquet"
    )
    parser.add_argument(
        "--keep",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help=f"columns of the input to keep; {ALL} for all of them",
    )
    parser.add_argument(
        "--interval", type=float, metavar="P", help="add bounds that a new observation keeps with P"
    )
    parser.add_argument(
        "--max-bad",
        type=float,
        metavar="SHARE",
        help="exit with 1 if a larger share of the rows has no prediction",
    )


def run(args: argparse.Namespace) -> int:
    """Predict; 1 when too many rows have no prediction, though the output is written."""
    _check(args)
    with _artifact(args.model) as folder:
        model = load(folder)
        interval = _interval(folder, model, args.interval) if args.interval is not None else None
    source = open_source(args.input)
    batches = Batches(source, model.design.schema, _kept(args.keep, source))
    schema = columns(
        batches.kept, with_file=args.input.is_dir(), with_interval=interval is not None
    )
    tally = Tally()
    with new_output(args.output, schema) as write:
        total = batches.num_rows
        with tqdm(
            total=total, desc="predict", unit=" rows", unit_scale=True, leave=False, disable=None
        ) as progress:
            for batch in batches:
                answers = answer(model, batch.features, interval)
                write(as_rows(batch, answers, schema))
                tally.add(answers)
                progress.update(len(answers.predicted))
        source.require_unchanged()
    print("\n".join(tally.lines(args.output)))
    for name, relation in interval.exact.solution.dropped.items() if interval else ():
        print(
            f"interval: holds for rows in which {name} = {relation}, as in training, where {name} was dropped"
        )
    if args.max_bad is not None and tally.share_without > args.max_bad:
        share = f"{tally.share_without:.3%} of the rows have no prediction, more than --max-bad {args.max_bad:g}"
        print(f"error: {share}; {args.output} is written all the same", file=sys.stderr)
        return 1
    return 0


@dataclass
class Tally:
    """What came of the rows so far."""

    num_rows: int = 0
    num_predicted: int = 0
    num_ok: int = 0
    without: Counter[str] = field(default_factory=Counter)
    """By reason, rows without a prediction; one may have several reasons."""
    remarks: Counter[str] = field(default_factory=Counter)
    """By reason, rows with a prediction."""
    off_centre: float | None = None
    """The largest distance of a prediction from the middle of its interval, as a share of half its
    width.
    """

    @property
    def share_without(self) -> float:
        """The share of rows without a prediction; 0 of no rows."""
        return 1 - self.num_predicted / self.num_rows if self.num_rows else 0.0

    def add(self, answers: Answers) -> None:
        """Take more rows into account."""
        self.num_rows += len(answers.predicted)
        self.num_predicted += int(answers.has_answer.sum())
        for counts, reasons in ((self.without, answers.faults), (self.remarks, answers.remarks)):
            counts.update({reason: int(rows.sum()) for reason, rows in reasons.items()})
        self.num_ok += int(
            (~np.any([~answers.has_answer, *answers.remarks.values()], axis=0)).sum()
        )
        half = (answers.high - answers.low) / 2
        off, wide = np.abs(answers.predicted - answers.low - half), half > 0
        measured = off[wide] / half[wide]
        if len(measured):
            self.off_centre = max(self.off_centre or 0.0, float(measured.max()))

    def lines(self, output: Path) -> Iterator[str]:
        """Yield what is printed."""
        without = self.num_rows - self.num_predicted
        yield f"predict: {self.num_rows} rows, {self.num_predicted} predicted, {without} without → {output}"
        yield f"{self.num_ok:>12}  with a prediction: {OK}"
        for title, counts in (("with a prediction", self.remarks), ("without", self.without)):
            for reason, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
                yield f"{count:>12}  {title}: {reason}"
        if self.off_centre is not None:
            share = f"{self.off_centre:.3%} of its half width"
            yield f"interval: around the exact fit; the model's prediction is off its middle by at most {share}"


def _check(args: argparse.Namespace) -> None:
    """Refuse what can be told to be wrong before anything is read."""
    require_suffix(args.output)
    if not args.input.exists():
        raise UserError(
            args.input,
            "there is no such file or folder",
            todo="name a CSV or Parquet file to predict",
        )
    if args.output.resolve() == args.input.resolve():
        raise UserError(args.output, "is the input too", todo="name another file for the output")
    if args.input.is_dir() and args.output.resolve().parent == args.input.resolve():
        todo = "write it elsewhere, or it is read as input the next time"
        raise UserError(args.output, "lies in the folder of the input", todo=todo)
    if args.interval is not None and not 0 < args.interval < 1:
        raise UserError(
            "--interval", "must be between 0 and 1", found=args.interval, todo="0.95 is the usual"
        )
    if args.max_bad is not None and not 0 <= args.max_bad <= 1:
        raise UserError(
            "--max-bad",
            "must be a share from 0 to 1",
            found=args.max_bad,
            todo="0.01 allows one row in 100",
        )


@contextmanager
def _artifact(name: str) -> Iterator[Path]:
    """Yield the folder of a model, fetched from MLflow for the time being if its name is a URI."""
    if not name.startswith(URI_SCHEMES):
        if not Path(name).is_dir():
            raise UserError(
                name,
                "is no folder with a model",
                todo="name one such as models/model, or models:/NAME@ALIAS",
            )
        yield Path(name)
        return
    from linreg.tracking.mlflow.fetch_model import (
        fetch_model,
        # imports MLflow, which takes seconds
    )

    with tempfile.TemporaryDirectory() as folder:
        yield fetch_model(name, Path(folder))


def _interval(folder: Path, model: LinearModel, confidence: float) -> Interval:
    if not (folder / "exact.json").is_file():
        what = "has no exact answer beside it, which --interval needs"
        raise UserError(folder, what, todo="train it again with `dvc repro`")
    exact = ExactReference.read(folder)
    if tuple(exact.solution.names) != model.design.names:
        found = ", ".join(exact.solution.names)
        raise UserError(
            folder, "holds a model and an exact answer with other coefficients", found=found
        )
    return Interval(exact, confidence)


def _kept(names: Sequence[str], source: Source) -> list[str]:
    """Return the columns to keep, each once; `.` stands for all that have a name."""
    return list(
        dict.fromkeys(
            each
            for name in names
            for each in (filter(None, source.columns) if name == ALL else [name])
        )
    )
