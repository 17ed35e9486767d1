"""Change parameters in params.yaml, whose comments and other lines stay as they are.

    linreg set model.formula='mpg ~ horsepower + C(origin)' train.scale=standardize

Each value is checked with all others before anything is written. Formulas need no quotes but the
shell's. `git restore params.yaml` goes back.
"""

import argparse
from typing import Any

from linreg.errors import UserError
from linreg.params.edit import as_yaml, set_values
from linreg.params.file import PARAMS_FILE, field_type, load_params
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
    before = load_params()
    load_params(changes=changes)
    written = read_yaml(PARAMS_FILE.read_text(encoding="utf-8"), PARAMS_FILE) or {}
    set_values(PARAMS_FILE, changes)
    for key, value in changes.items():
        section, _, name = key.partition(".")
        default = (before.model_dump(mode="json").get(section) or {}).get(name)
        old = (written.get(section) or {}).get(name, default)
        was = "" if old == value else f"{_shown(old)} → "
        print(f"{key}: {was}{_shown(value)}{'' if was else ', as before'}")
    return 0


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else as_yaml(value)


def _parse(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or "." not in key:
        raise UserError(text, "must be KEY=VALUE", todo="such as train.lr=0.02")
    # What is text by its type needs no quotes, whatever YAML would take it for.
    return key, value if field_type(key) is str else read_yaml(value, text)
