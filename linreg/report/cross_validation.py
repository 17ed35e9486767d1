"""The cross-validation of a run in words, and the rows of its table."""

from collections.abc import Mapping
from typing import Any

from linreg.number_format import aligned, alike, decimals_of

DIGITS = 5
DIGITS_OF_ERROR = 2
TITLES = {"rmse": "RMSE", "r2": "R²"}


def folds_in_words(metrics: Mapping[str, Any]) -> str:
    """Return RMSE and R² over the folds, or why there are none, for what metrics.json has of them.

    Each is the mean over the folds ± its standard error.
    """
    folds = metrics["folds"]
    start = f"{len(folds)} folds {_by(metrics['by'])}"
    if metrics["rmse"] is None:
        failed = [fold for fold in folds if fold["reason"]]
        if not failed:
            return f"{start}: RMSE beyond float64"
        more = f" ({len(failed)} such folds)" if len(failed) > 1 else ""
        return f"{start}: no result, as fold {failed[0]['fold']} has none{more}: " + str(
            failed[0]["reason"]
        )
    values = [
        f"{title} {with_error(metrics[name], metrics[f'{name}_standard_error'])}"
        for name, title in TITLES.items()
    ]
    return f"{start}: {', '.join(values)} (mean ± standard error)"


def _by(split_by: str) -> str:
    how, _, column = split_by.partition(":")
    return f"forward in time by {column}" if how == "time" else f"by {how} {column}".rstrip()


def with_error(mean: float | None, error: float | None) -> str:
    """Return a mean over folds ± its standard error, as far as they exist."""
    if mean is None:
        return "undefined"
    if not error:
        return f"{mean:.6g} ± 0" if error == 0 else f"{mean:.6g}"
    return " ± ".join(aligned([mean, error], max(0, decimals_of(error, DIGITS_OF_ERROR))))


def fold_rows(metrics: Mapping[str, Any]) -> list[tuple[str, str, str, list[str], str]]:
    """Return of each fold: its number, its rows, those trained on, R² and RMSE, and the reason."""
    folds = metrics["folds"]
    columns = [alike([fold[name] for fold in folds], DIGITS) for name in ("r2", "rmse")]
    cells = map(list, zip(*columns, strict=True))
    return [
        (
            str(fold["fold"]),
            str(fold["rows"]),
            str(fold["trained_rows"]),
            of_fold,
            fold["reason"] or "",
        )
        for fold, of_fold in zip(folds, cells, strict=True)
    ]
