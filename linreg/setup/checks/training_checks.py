"""Whether training will work with its parameters: enough rows, a stable rate, enough epochs."""

from dataclasses import dataclass

from linreg.data.split.partition import part_sizes
from linreg.errors import UserError
from linreg.fit.coordinates.learning_rate import largest_stable_rate, round_down_to_one_digit
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.history import gap_in_words
from linreg.params import Params, Train
from linreg.setup.checks.convergence import SMALL_GAP, forecast_gap, sufficient_epochs
from linreg.setup.checks.finding import Finding
from linreg.setup.checks.high_leverage import find_high_leverage
from linreg.setup.survey.preview import Preview


@dataclass(frozen=True)
class TrainingForecast:
    """How training will go.

    lr        a learning rate that is needed in place of `train.lr`; None where that will do
    findings  what will stop training, make it diverge or end early
    """

    lr: float | None
    findings: list[Finding]


def forecast_training(
    preview: Preview, solution: LeastSquares, standardize: bool, params: Params, num_rows: int
) -> TrainingForecast:
    """Return how training on a part of `num_rows` rows will go."""
    try:
        num_training_rows = part_sizes(num_rows, params.split)[0]
    except UserError as error:
        return TrainingForecast(
            None, [Finding(f"{error}.", "The split will stop with this error.")]
        )
    num_coefficients = len(preview.names) + 1
    if num_training_rows < num_coefficients:
        message = (
            f"{num_training_rows} training rows are too few for {num_coefficients} coefficients."
        )
        action = "Training will stop with an error: add --without COLUMN,COLUMN."
        return TrainingForecast(None, [Finding(message, action)])
    if params.train.solver != "sgd":
        return TrainingForecast(None, [])
    scaling = preview.z_scores if standardize else Scaling.identity(len(preview.names))
    lr, findings = _check_rate(preview, scaling, params.train)
    train = params.train.model_copy(update={"lr": lr or params.train.lr})
    findings += _check_epochs(preview, solution, train, num_training_rows)
    return TrainingForecast(lr, findings)


def _check_rate(
    preview: Preview, scaling: Scaling, train: Train
) -> tuple[float | None, list[Finding]]:
    """Return a rate in place of one with which training diverges, and the findings about it."""
    lr: float | None = None
    findings = []
    limit = largest_stable_rate(preview.moments, True, scaling, train)
    if train.schedule == "constant" and train.lr >= limit:
        lr = round_down_to_one_digit(limit / 4)
        findings.append(
            Finding(
                f"train.lr {train.lr:g} is too large for these columns: training diverges from"
                f" {limit:.2g} on.",
                f"train.lr is set to {lr:g}.",
            )
        )
    leverage = find_high_leverage(preview, scaling)
    if leverage and (lr or train.lr) >= leverage.largest_rate(train):
        lr = leverage.safe_rate(train)
        findings.append(
            Finding(
                f"A few rows have high leverage, by {leverage.column}: training would diverge with"
                f" train.lr {train.lr:g}.",
                f"train.lr is set to {lr:g}.",
            )
        )
    return lr, findings


def _check_epochs(
    preview: Preview, solution: LeastSquares, train: Train, num_rows: int
) -> list[Finding]:
    gap = forecast_gap(preview.moments, solution, preview.z_scores, train, num_rows)
    if gap is None or gap <= SMALL_GAP:
        return []
    epochs = sufficient_epochs(preview.moments, solution, preview.z_scores, train, num_rows)
    train_longer = (
        f"Train longer, `dvc exp run -S train.epochs={epochs}`, or take" if epochs else "Take"
    )
    return [
        Finding(
            f"train.epochs {train.epochs} is too small for these columns: the loss will end at"
            f" about {gap_in_words(gap)}.",
            f"{train_longer} the exact solution, `dvc exp run -S train.solver=exact`.",
            is_hint=True,
        )
    ]
