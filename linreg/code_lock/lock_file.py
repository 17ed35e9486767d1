"""code.lock: written by the first stage of dvc.yaml, and a parameter of all the others."""

import hashlib
import os
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from linreg.code_lock.module_graph import PACKAGE
from linreg.code_lock.stage_code import StageCode, code_of_stages, reached_files
from linreg.errors import UserError
from linreg.files import write_text
from linreg.params.file import PARAMS_FILE
from linreg.plain_yaml import read_yaml

CODE_LOCK = Path("code.lock")
DVC_YAML = Path("dvc.yaml")
HEAD = """\
# Which code and which libraries each stage runs. `dvc repro` has `linreg lock` write it first, and
# then runs the stages again whose entries have changed.
"""
_PYTHON = re.compile(r"(.*/)?python[\d.]*")
_WITH_VALUE = ("-W", "-X")
"""Options of Python that the next word belongs to."""
_BY_SUFFIX = dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), "python_calamine")
"""The optional library that reads a table, by the suffix of its file."""


def current_code(project: Path = Path(), only: str | None = None) -> dict[str, StageCode]:
    """Return what each stage of a project would run now, in the order of dvc.yaml.

    Python files among a stage's dependencies count like its script, such as one that the script
    loads without importing it. A stage that runs no Python script of the project is left out, and
    so are all but one with `only`. Raises UserError for a dvc.yaml that is absent or no YAML, and
    for a script that is not Python.
    """
    files = _files_of_stages(project, only)
    return code_of_stages(files, project, _libraries_for_table(project))


def code_files(project: Path, stages: Collection[str]) -> set[str]:
    """Return the files whose code the entries of some stages stand for, relative to `project`.

    A linreg that lies in the project, as in a clone of it, is read there and not where it runs.
    """
    files = _files_of_stages(project, None)
    scripts = [path for name in stages for path in files.get(name, ())]
    return reached_files(scripts, project)


def _files_of_stages(project: Path, only: str | None) -> dict[str, list[Path]]:
    """Return the Python files that each stage runs: its scripts, and those it depends on."""
    files = {}
    document = _read(project / DVC_YAML)
    stages = document.get("stages") if isinstance(document, dict) else None
    for name, declared in (stages or {}).items():
        if only not in (None, name):
            continue
        stage = declared.get("do", declared)
        folder = project / str(stage.get("wdir", "."))
        scripts = list(_scripts(stage.get("cmd", ""), folder, project))
        if scripts:
            deps = (folder / str(dep) for dep in stage.get("deps", ()))
            files[name] = [*scripts, *(each for each in deps if each.suffix == ".py")]
    return files


def write_code_lock(codes: Mapping[str, StageCode], project: Path = Path()) -> None:
    """Write code.lock; what stands there already is left alone if it is the same."""
    lines = [HEAD]
    for name, code in codes.items():
        lines += [f"{name}:\n", *(f"- {each}\n" for each in code)]
    text = "".join(lines)
    path = project / CODE_LOCK
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def read_code_lock(project: Path = Path()) -> dict[str, StageCode]:
    """Return what code.lock says; raises UserError where it is absent or damaged."""
    document = _read(project / CODE_LOCK)
    if not isinstance(document, dict) or not all(isinstance(v, list) for v in document.values()):
        raise UserError(CODE_LOCK, "is damaged", todo="run `linreg lock`")
    return {str(name): [str(each) for each in code] for name, code in document.items()}


def differences(before: StageCode, now: StageCode) -> list[str]:
    """Return in words what changed, such as `torch 2.12.1 → 2.13.0` or `linreg`."""
    old, new = _by_name(before), _by_name(now)
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    code = {"project": "the code of the project", "linreg": "the code of linreg"}
    return [
        code.get(name) or f"{name} {old.get(name, 'absent')} → {new.get(name, 'absent')}"
        for name in changed
    ]


def code_now() -> dict[str, StageCode]:
    """Return what the stages run: from code.lock where DVC has just had it written, else anew.

    Empty in a folder without dvc.yaml.
    """
    if "DVC_STAGE" in os.environ and CODE_LOCK.exists():
        return read_code_lock()
    return current_code() if DVC_YAML.exists() else {}


def code_hash(codes: Mapping[str, StageCode]) -> str:
    """Return an MD5 over the code of all stages, without the versions of libraries."""
    lines = [
        f"{stage} {each}\n"
        for stage, code in sorted(codes.items())
        for each in code
        if "==" not in each
    ]
    return hashlib.md5("".join(lines).encode(), usedforsecurity=False).hexdigest()


def libraries_in(codes: Mapping[str, StageCode]) -> list[str]:
    """Return the libraries of all stages, as `library==version` by name."""
    return sorted({each for code in codes.values() for each in code if "==" in each}, key=str.lower)


def require_current(stage: str) -> None:
    """Raise UserError if DVC is about to record code.lock's entry for a stage that runs other code.

    That is so where DVC ran this stage alone. A project without code.lock, or without an entry for
    the stage, has nothing to check.
    """
    if not CODE_LOCK.exists():
        return
    recorded = read_code_lock().get(stage)
    if recorded is None:
        return
    if changed := differences(recorded, current_code(only=stage).get(stage, recorded)):
        raise UserError(
            f"{CODE_LOCK}: {stage}",
            "does not match what this stage runs",
            found=f"a change of {', '.join(changed)}",
            todo="run `linreg lock`, or `dvc repro` without --single-item",
        )


def _by_name(code: StageCode) -> dict[str, str]:
    pairs = (re.split(r"==| ", each, maxsplit=1) for each in code)
    return {name: "".join(rest) for name, *rest in pairs}


def _scripts(command: str | list[str], folder: Path, project: Path) -> Iterator[Path]:
    """Yield the Python scripts of the project that a stage's command runs in a folder."""
    lines = [command] if isinstance(command, str) else command
    words = iter([word for line in lines for word in _words(line)])
    for _ in filter(_PYTHON.fullmatch, words):
        if (script := _script(words, folder, project)) is not None:
            yield script


def _words(line: str) -> list[str]:
    """Return the words of a command as the shell takes it, with `;` and `&&` as words."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    reader.commenters = ""
    try:
        return list(reader)
    except ValueError:
        # A quotation mark without its second one, which the shell refuses.
        return line.split()


def _script(words: Iterator[str], folder: Path, project: Path) -> Path | None:
    """Return the script that the words after `python` name, if it is one of the project."""
    for argument in words:
        if argument in _WITH_VALUE:
            next(words, None)
        elif argument == "-m":
            path = folder.joinpath(*next(words, "").split("."))
            return _first_file(project, path.parent / f"{path.name}.py", path / "__main__.py")
        elif not argument.startswith("-"):
            return _first_file(project, folder / argument)
    return None


def _first_file(project: Path, *paths: Path) -> Path | None:
    """Return the first that is a file; none for those of linreg, which a clone has beside it."""
    files = (path for path in paths if path.is_file() and path.suffix == ".py")
    script = next(files, None)
    return None if script is None or (project / PACKAGE.name) in script.parents else script


def _libraries_for_table(project: Path) -> list[str]:
    """Return the optional libraries that the table in params.yaml needs."""
    path = project / PARAMS_FILE
    if not path.exists():
        return []
    ingest = (_read(path) or {}).get("ingest")
    source = str(ingest.get("source", "")) if isinstance(ingest, dict) else ""
    library = _BY_SUFFIX.get(Path(source).suffix.lower())
    return [library] if library else []


def _read(path: Path) -> Any:
    try:
        return read_yaml(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError:
        raise UserError(
            path.name, "there is no such file", todo="run from the folder that holds dvc.yaml"
        ) from None
