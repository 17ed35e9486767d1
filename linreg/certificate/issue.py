"""Issue a statement: what was executed, on which machine, and the digests of its outputs."""

import importlib.metadata
import math
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from linreg.certificate.consistency import require_consistent
from linreg.certificate.digests import FilesOf, digest_file, digest_path, subjects_of
from linreg.certificate.statement import (
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    Environment,
    Execution,
    Input,
    Lock,
    LockDigest,
    Machine,
    Predicate,
    RecordedDigest,
    Source,
    SourceDigest,
    Stage,
    Statement,
    Subject,
)
from linreg.files import files_in
from linreg.git import git


def utc_now() -> str:
    """Return the time in UTC, to the second, as a statement has it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def source_of(commit: str, folder: str) -> Source:
    """Return the state of the repository at a commit; `folder` is the project in it."""
    tree = git("rev-parse", f"{commit}^{{tree}}")
    return Source(digest=SourceDigest(git_commit=commit, git_tree=tree), folder=folder.strip("/"))


def stage_of(name: str, outputs: Iterable[str], parameters: Mapping[str, Any]) -> Stage:
    """Return a stage with its parameters by file, as JSON has them.

    What YAML has besides, such as a date, becomes text.
    """
    of_files = {file: _plain(values) for file, values in parameters.items()}
    return Stage.model_validate({"name": name, "outputs": list(outputs), "parameters": of_files})


def subjects_in(
    project: Path, outputs: Iterable[str], files_of: FilesOf = files_in
) -> list[Subject]:
    """Return the subjects for outputs in a project's folder, by their paths there."""
    return [each for name in outputs for each in subjects_of(name, project / name, files_of)]


def inputs_in(
    project: Path, recorded: Mapping[str, str], files_of: FilesOf = files_in
) -> list[Input]:
    """Return the inputs of a project with their digests.

    recorded  what DVC records of each by its path, for those that are no files here
    """
    return [
        Input(
            name=name,
            digest=digest_path(project / name, files_of)
            if (project / name).exists()
            else RecordedDigest(dvc_recorded=of_dvc),
        )
        for name, of_dvc in recorded.items()
    ]


def locks_in(project: Path, names: Iterable[str]) -> list[Lock]:
    """Return the files dvc.lock in a project's folder with their digests."""
    return [
        Lock(name=name, digest=LockDigest(sha256=digest_file(project / name).sha256))
        for name in names
    ]


def environment_here() -> Environment:
    """Return what executes Python here, with all libraries that are installed for it."""
    libraries = {each.name: each.version for each in importlib.metadata.distributions()}
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        system=f"{platform.system()} {platform.release()}",
        libc=" ".join(platform.libc_ver()).strip(),
        libraries=dict(sorted(libraries.items())),
    )


def issue(
    source: Source,
    locks: list[Lock],
    inputs: list[Input],
    stages: list[Stage],
    subjects: list[Subject],
    environment: Environment,
    machine: Machine,
    executions: list[Execution],
    versions: dict[str, str],
    started: str,
) -> Statement:
    """Return the statement about what was executed since `started`, which ends now.

    Raises UserError where it would contradict itself, or where the name of an output is one that
    can be mistaken for another.
    """
    predicate = Predicate(
        source=source,
        locks=locks,
        inputs=inputs,
        stages=stages,
        environment=environment,
        machine=machine,
        executions=executions,
        versions=versions,
        started=started,
        finished=utc_now(),
    )
    statement = Statement(
        type=STATEMENT_TYPE, subject=subjects, predicate_type=PREDICATE_TYPE, predicate=predicate
    )
    require_consistent(statement, "the certificate")
    return statement


def _plain(value: Any) -> JsonValue:
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case Mapping():
            return {str(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return str(value)
