"""Whether there will be rows enough to train on."""

from linreg.data.split.partition import part_sizes
from linreg.errors import UserError
from linreg.params.split import Split
from linreg.setup.checks.finding import Finding


def check_training_rows(num_rows: int, num_coefficients: int, split: Split) -> Finding | None:
    """Return what will stop the split of `num_rows` rows, or training on a part of them."""
    try:
        num_training_rows = part_sizes(num_rows, split)[0]
    except UserError as error:
        return Finding(f"{error}.", "The split will stop with this error.")
    if num_training_rows >= num_coefficients:
        return None
    return Finding(
        f"{num_training_rows} training rows are too few for {num_coefficients} coefficients.",
        "Training will stop with an error: add --without COLUMN,COLUMN.",
    )
