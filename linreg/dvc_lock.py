"""What dvc.lock says: every stage's outputs with their hashes, and what the stages read that none
of them makes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from linreg.errors import UserError


@dataclass(frozen=True)
class Locked:
    """A file or folder as dvc.lock names it: the stage, its path within the project, its MD5."""

    stage: str
    path: str
    md5: str


def stages_in_order(project: Path) -> list[str]:
    """Return the names of the stages as dvc.yaml lists them, which is the order in which they
    run.
    """
    return list(_document(project / "dvc.yaml")["stages"])


def locked_outputs(project: Path) -> list[Locked]:
    """Return every output of every stage; raises UserError when a stage has never been run."""
    stages = _lock(project)
    return [
        Locked(name, *_named(out))
        for name in stages_in_order(project)
        for out in stages[name]["outs"]
    ]


def locked_inputs(project: Path) -> list[Locked]:
    """Return what the stages read and no stage makes, such as a table of the user's, without
    duplicates.
    """
    stages = _lock(project)
    made = [Path(output.path) for output in locked_outputs(project)]
    found = {
        path: Locked(name, path, md5)
        for name in stages_in_order(project)
        for path, md5 in map(_named, stages[name]["deps"])
        if not any(out in (Path(path), *Path(path).parents) for out in made)
    }
    return list(found.values())


def _lock(project: Path) -> Mapping[str, Any]:
    stages: Mapping[str, Any] = _document(project / "dvc.lock").get("stages", {})
    for name in stages_in_order(project):
        if name not in stages:
            raise UserError(
                f"dvc.lock: stage {name}",
                "is not there",
                todo="run `dvc repro` and commit dvc.lock",
            )
    return stages


def _named(entry: Mapping[str, Any]) -> tuple[str, str]:
    return str(entry["path"]), str(entry["md5"])


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document: Mapping[str, Any] = YAML(typ="safe", pure=True).load(
            path.read_text(encoding="utf-8")
        )
    except FileNotFoundError:
        raise UserError(
            path.name, "there is no such file in this commit", todo="run `dvc repro` and commit"
        ) from None
    except YAMLError as error:
        raise UserError(path.name, "is not valid YAML", found=error) from None
    return document
