"""Change parameters in params.yaml, whose comments and other lines stay as they are.

    linreg set model.formula='mpg ~ horsepower + C(origin)' train.scale=standardize

Each value is checked with all others before anything is written. Formulas need no quotes but the
shell's. `git restore params.yaml` goes back.
"""

import argparse
from collections.abc import Mapping
from typing import Any

from linreg.errors import UserError
from linreg.params.edit import set_values
from linreg.params.file import PARAMS_FILE, field_type, load_params
from linreg.params.params import flatten
from linreg.plain_yaml import read_yaml


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the parameters."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "values",
        nargs="+",
        metavar="KEY=VALUE",
        help="such as train.lr=0.02 or ingest.missing=drop",
    )


def run(args: argparse.Namespace) -> int:
    """Write the values, and print what each was before."""
    changes = dict(map(_parse, args.values))
    before = flatten(load_params(), own=True)
    load_params(changes=changes)
    set_values(PARAMS_FILE, changes)
    for key, value in changes.items():
        old = _value(before, key)
        print(f"{key}: {old} → {value}" if old != value else f"{key}: {value}, as before")
    return 0


def _value(parameters: Mapping[str, Any], key: str) -> Any:
    """Return a value that may be a mapping, whose keys are parameters of their own."""
    start = f"{key}."
    inner = {
        name.removeprefix(start): value
        for name, value in parameters.items()
        if name.startswith(start)
    }
    return parameters.get(key, inner or None)


def _parse(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or "." not in key:
        raise UserError(text, "must be KEY=VALUE", todo="such as train.lr=0.02")
    # What is text by its type needs no quotes, whatever YAML would take it for.
    return key, value if field_type(key) is str else read_yaml(value, text)
