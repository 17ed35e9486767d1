"""Make what the default pipeline computes now the expected values, and print what changes.

    dvc repro && python tests/expected/accept.py

It reads models/ in the working directory and writes default_pipeline.json beside this script: the
losses, θ and b after every epoch and the final model, as hexadecimal floats (`float.hex`), which
are exact to the last bit.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from linreg.errors import one_line_errors
from linreg.files import read_document, write_text
from linreg.tracking.journal.training_run import read_curves

EXPECTED = Path(__file__).with_name("default_pipeline.json")
HOW = "python tests/expected/accept.py"
CURVES = ("train_mse", "validation_mse", "b", "theta.")
Values = Mapping[str, Mapping[str, str]]
"""Hexadecimal floats by name, by `epoch N` and `model`."""


def computed(models: Path) -> Values:
    """Return the values in the outputs of train; raises UserError when there are none."""
    model = read_document(models / "model" / "model.json")
    coefficients = {
        "b": model["b"],
        **{f"theta.{name}": value for name, value in model["theta"].items()},
    }
    values = {
        f"epoch {epoch}": {
            name: value.hex() for name, value in curves.items() if name.startswith(CURVES)
        }
        for epoch, curves in read_curves(models / "training")
    }
    return values | {"model": {name: float(value).hex() for name, value in coefficients.items()}}


def expected() -> Values:
    """Return the values that are accepted at present; none before the first time."""
    values: Values = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {}
    return values


def changes(old: Values, new: Values) -> list[str]:
    """Return a line for every value that differs or is on one side only."""
    names = [
        (moment, name)
        for moment in {**old, **new}
        for name in {**old.get(moment, {}), **new.get(moment, {})}
    ]
    pairs = [
        (f"{moment}: {name}", old.get(moment, {}).get(name), new.get(moment, {}).get(name))
        for moment, name in names
    ]
    return [f"{where}: {_both(a)} became {_both(b)}" for where, a, b in pairs if a != b]


def _both(value: str | None) -> str:
    return "nothing" if value is None else f"{value} ({float.fromhex(value)!r})"


@one_line_errors
def main() -> None:
    """Print the changes and write the file."""
    new = computed(Path("models"))
    lines = changes(expected(), new)
    write_text(EXPECTED, json.dumps(new, indent=2, ensure_ascii=False) + "\n")
    print("\n".join(lines or ["nothing changes"]))


if __name__ == "__main__":
    main()
