"""Whether two statements, of two machines, say the same of the same commit."""

from collections.abc import Iterator, Sequence

from linreg.certificate.statement import (
    FileDigest,
    FolderDigest,
    Input,
    Lock,
    LockDigest,
    RecordedDigest,
    Statement,
    Subject,
)
from linreg.errors import UserError


def require_agreement(first: Statement, second: Statement, where: object) -> None:
    """Raise UserError at `where`, with the first thing in which two statements disagree.

    They agree when they name the same commit, the same dvc.lock, the same inputs and the same
    outputs with the same digests. Machine, environment, time and executions may be others.
    """
    disagreement = next(_disagreements(first, second), None)
    if disagreement is not None:
        raise UserError(where, f"the two statements disagree about {disagreement}")


def _disagreements(first: Statement, second: Statement) -> Iterator[str]:
    for what, a, b in (
        ("the commit", first.commit, second.commit),
        ("the tree of the commit", _tree(first), _tree(second)),
        ("the folder", first.predicate.source.folder, second.predicate.source.folder),
    ):
        if a != b:
            yield f"{what}: {a} and {b}"
    yield from _of_digests(first.predicate.locks, second.predicate.locks)
    yield from _of_digests(first.predicate.inputs, second.predicate.inputs)
    # A file rather than the folder that it lies in.
    yield from _of_digests(_files_first(first.subject), _files_first(second.subject))


def _files_first(subjects: Sequence[Subject]) -> list[Subject]:
    return sorted(subjects, key=lambda each: isinstance(each.digest, FolderDigest))


def _of_digests(
    first: Sequence[Lock | Input | Subject], second: Sequence[Lock | Input | Subject]
) -> Iterator[str]:
    ours, theirs = (
        {each.name: _in_words(each.digest) for each in named} for named in (first, second)
    )
    for name in [*ours, *(each for each in theirs if each not in ours)]:
        a, b = ours.get(name, "absent"), theirs.get(name, "absent")
        if a != b:
            yield f"{name}: {a} and {b}"


def _tree(statement: Statement) -> str:
    return statement.predicate.source.digest.git_tree


def _in_words(digest: FileDigest | FolderDigest | RecordedDigest | LockDigest) -> str:
    return ", ".join(f"{name} {value}" for name, value in digest.model_dump().items())
