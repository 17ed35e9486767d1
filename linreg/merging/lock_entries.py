"""The entries of a dvc.lock, each with its text: it is copied as DVC has written it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from linreg.errors import UserError
from linreg.plain_yaml import has_conflict_markers

LOCK_NAME = "dvc.lock"
HEAD = "schema: '2.0'\n"
_HASHES = ("md5", "etag", "checksum")
"""The keys of a content hash: of a file, of a URL, of an object in a store."""


@dataclass(frozen=True)
class LockEntry:
    """What dvc.lock records of one run of a stage. Two entries are equal if they say the same.

    `inputs` and `outputs` are hashes by path; `parameters` are values by file, then by name.
    """

    text: str = field(compare=False)
    command: Any
    inputs: dict[str, str]
    parameters: dict[str, dict[str, Any]]
    outputs: dict[str, str]


Entries = Mapping[str, LockEntry]
"""The entries of one dvc.lock by the name of the stage."""


def read_entries(text: str, where: str) -> Entries:
    """Return the entries of a dvc.lock, of none for an empty text.

    Raises UserError for what DVC cannot have written; `where` names the version in the message.
    """
    try:
        if text and not text.endswith("\n"):
            raise ValueError("the last line has no end")
        head, *entries = _cut(text)
        document = _load(head) or {}
        if text and document != {"schema": "2.0", "stages": None} and document != _load(HEAD):
            raise ValueError("it does not begin with schema and stages")
        return dict(_entry(each) for each in entries)
    except (AttributeError, KeyError, TypeError, ValueError, YAMLError, RecursionError) as error:
        found = "conflict markers" if has_conflict_markers(text) else error
        todo = "take a version that DVC has written, then `dvc repro`"
        raise UserError(where, "is damaged", found=found, todo=todo) from None


def lock_text(entries: Entries) -> str:
    """Return the text of a dvc.lock with these entries."""
    body = "".join(entry.text for entry in entries.values())
    return f"{HEAD}stages:\n{body}" if entries else HEAD


def _cut(text: str) -> list[str]:
    """Cut a dvc.lock before each of its entries: DVC writes them as blocks, indented alike."""
    stages = re.search(r"^stages:[ \r]*\n+( +)", text, re.MULTILINE)
    if not stages:
        return [text.replace("stages: {}", "")]
    body = text[stages.start(1) :]
    first = rf"^(?={stages[1]}[^ #\r\n])"
    return [text[: stages.start(1)], *re.split(first, body, flags=re.MULTILINE)[1:]]


@cache
def _entry(text: str) -> tuple[str, LockEntry]:
    """Return a stage's name and entry. Most entries are the same in all versions: read once."""
    ((name, content),) = _load(text).items()
    return name, LockEntry(
        text,
        content["cmd"],
        _hashes(content.get("deps", [])),
        {file: dict(values or {}) for file, values in content.get("params", {}).items()},
        _hashes(content.get("outs", [])),
    )


def _hashes(files: list[dict[str, Any]]) -> dict[str, str]:
    return {
        file["path"]: next((str(file[key]) for key in _HASHES if key in file), str(file))
        for file in files
    }


def _load(text: str) -> Any:
    return YAML(typ="safe").load(text)
