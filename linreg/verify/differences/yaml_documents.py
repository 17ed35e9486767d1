"""The first difference of two YAML documents."""

from pathlib import Path

from linreg.errors import UserError
from linreg.plain_yaml import read_yaml
from linreg.verify.differences.difference import Difference
from linreg.verify.differences.json_documents import document_difference


def yaml_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first key whose values differ, such as `train.lr`; None if only the text does.

    Raises ValueError for what is not one document of plain values.
    """
    try:
        first, second = (
            read_yaml(path.read_text(encoding="utf-8"), path.name) for path in (expected, found)
        )
    except UserError as error:
        raise ValueError(str(error)) from None
    return document_difference(first, second, name)
