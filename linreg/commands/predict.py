"""`linreg predict MODEL INPUT OUTPUT`: a prediction, or the reason why there is none, for every row
of a table.

OUTPUT has one row for each row of INPUT, in the same order, with the columns

    file         the file of the row, when INPUT is a folder
    row          the number of the row in its file, counted from 1 below a header
    …            the columns named by --keep; those of a CSV are text as it is written there, empty
                 where a cell is missing
    prediction   empty where there is none
    low, high    with --interval: bounds for a single new observation (of weight 1)
    reason       ok, or why there is no prediction, or why to be careful with it; several reasons
                 are joined by `; `

No prediction: `missing value: COLUMN`, `not a number: COLUMN` (text in a CSV), `not finite: COLUMN`
(infinite or NaN, or an expression of the formula), `unseen level: COLUMN` (a category that is not
in the training rows), `too large to predict from`. Careful: `outside the training range: COLUMN`,
`filled with the mean: COLUMN` (of the training rows, by a model with ingest.missing=mean),
`prediction outside its interval`, `too large for an interval`.

Intervals are centred on the exact least squares fit, which is stored with the model. Where gradient
descent stopped short of it, predictions are off-centre; by how much at most is printed.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from linreg.data.source import Source, open_source
from linreg.errors import UserError
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import LinearModel, load
from linreg.lineage.model_lookup import find_model
from linreg.params.read_options import add_reading_options, reading_of
from linreg.prediction.output import require_suffix
from linreg.prediction.predict_table import predict_table
from linreg.prediction.row_predictions import PredictionInterval
from linreg.process.without_pandas import keep_pandas_out

ALL = "."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    # --keep takes what follows it, so the options come last.
    parser.usage = (
        "linreg predict MODEL INPUT OUTPUT [--keep COLUMN ...] [--interval P] [--max-bad SHARE]"
        " [options]"
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a folder such as models/model, or models:/NAME@ALIAS of MLflow",
    )
    parser.add_argument(
        "input", type=Path, metavar="INPUT", help="a table to predict: a file, or a folder of files"
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
        "--interval",
        type=float,
        metavar="P",
        help="add bounds between which a new observation lies with probability P",
    )
    parser.add_argument(
        "--max-bad",
        type=float,
        metavar="SHARE",
        help="exit with 1 if a larger share of the rows has no prediction",
    )
    add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Predict; 1 when too many rows have no prediction, though the output is written."""
    _check(args)
    with find_model(args.model) as folder:
        keep_pandas_out()
        model = load(folder)
        reading = model.design.schema.reading.updated(reading_of(args))
        interval = None
        if args.interval is not None:
            interval = _prediction_interval(folder, model, args.interval)
    source = open_source(args.input, reading)
    keep = _columns_to_keep(args.keep, source)
    with_file = args.input.is_dir()
    summary = predict_table(model, source, args.output, keep, interval, with_file=with_file)

    print("\n".join(summary.lines(args.output)))
    for name, relation in interval.exact.solution.dropped.items() if interval else ():
        print(
            f"interval: valid for rows in which {name} = {relation}, as in training, where {name}"
            " was dropped"
        )
    if args.max_bad is not None and summary.share_without > args.max_bad:
        print(
            f"error: {summary.share_without:.3%} of the rows have no prediction, more than"
            f" --max-bad {args.max_bad:g}; {args.output} is written all the same",
            file=sys.stderr,
        )
        return 1
    return 0


def _check(args: argparse.Namespace) -> None:
    """Refuse arguments that are wrong whatever the files hold."""
    require_suffix(args.output)
    if not args.input.exists():
        is_elsewhere = ":/" in str(args.input)
        todo = "download it first" if is_elsewhere else "name a file to predict"
        raise UserError(args.input, "there is no such file or folder", todo=todo)
    if args.output.resolve() == args.input.resolve():
        raise UserError(args.output, "is the input too", todo="name another file for the output")
    if args.input.is_dir() and args.output.resolve().is_relative_to(args.input.resolve()):
        todo = "write it elsewhere, or it is read as input the next time"
        raise UserError(args.output, "lies in the folder of the input", todo=todo)
    if args.interval is not None and not 0 < args.interval < 1:
        what = "must be between 0 and 1"
        raise UserError("--interval", what, found=args.interval, todo="0.95 is usual")
    if args.max_bad is not None and not 0 <= args.max_bad <= 1:
        todo = "0.01 allows one row in 100"
        raise UserError("--max-bad", "must be a share from 0 to 1", found=args.max_bad, todo=todo)


def _prediction_interval(folder: Path, model: LinearModel, confidence: float) -> PredictionInterval:
    if not (folder / "exact.json").is_file():
        what = "has no exact reference, which --interval needs"
        raise UserError(folder, what, todo="train it again with `dvc repro`")
    exact = ExactReference.read(folder)
    if tuple(exact.solution.names) != model.design.names:
        found = ", ".join(exact.solution.names)
        what = "holds a model and an exact reference with other coefficients"
        raise UserError(folder, what, found=found)
    return PredictionInterval(exact, confidence)


def _columns_to_keep(names: Sequence[str], source: Source) -> list[str]:
    """Return the columns to keep, each once; `.` stands for all that have a name."""
    keep: list[str] = []
    for name in names:
        keep += filter(None, source.columns) if name == ALL else [name]
    return list(dict.fromkeys(keep))
