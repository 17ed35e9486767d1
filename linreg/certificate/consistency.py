"""What a statement must say besides what its schema can: that its parts fit together."""

import unicodedata
from collections.abc import Iterator, Mapping

from linreg.certificate.digests import digest_folder, files_below
from linreg.certificate.statement import IDENTICAL, FileDigest, FolderDigest, Statement
from linreg.errors import UserError


def require_consistent(statement: Statement, where: object) -> None:
    """Raise UserError at `where` for the first part of a statement that another one contradicts.

    So whoever changes one digest or leaves out one subject has to change others, too, and nothing
    of it can be read in two ways.
    """
    problem = next(_problems(statement), None)
    if problem is not None:
        raise UserError(where, problem, todo="take the original file")


def _problems(statement: Statement) -> Iterator[str]:
    predicate = statement.predicate
    names = [subject.name for subject in statement.subject]
    outputs = [output for stage in predicate.stages for output in stage.outputs]
    for names_of_a_kind, kind in (
        (names, "subject"),
        (outputs, "output"),
        ([stage.name for stage in predicate.stages], "stage"),
        ([each.name for each in predicate.inputs], "input"),
        ([each.name for each in predicate.locks], "lock"),
        ([each.name for each in predicate.executions], "execution"),
    ):
        yield from _unclear_names(names_of_a_kind, kind)
    subjects = {subject.name: subject.digest for subject in statement.subject}
    yield from _wrong_subjects(subjects, outputs)
    if predicate.finished < predicate.started:
        yield f"it finished at {predicate.finished}, before it started at {predicate.started}"
    for execution in predicate.executions:
        if bool(execution.difference) != (execution.verdict != IDENTICAL):
            yield (
                f"execution {execution.name!r} is {execution.verdict}, and its difference is"
                f" {execution.difference!r}"
            )
    if all(execution.verdict != IDENTICAL for execution in predicate.executions):
        yield "no execution gave what it certifies"


def _unclear_names(names: list[str], kind: str) -> Iterator[str]:
    seen = set()
    for name in names:
        if not name.isprintable() or unicodedata.normalize("NFC", name) != name:
            yield f"{kind} {name!a} has a name that can be mistaken for another"
        if name in seen:
            yield f"{kind} {name} is named twice"
        seen.add(name)


def _wrong_subjects(
    subjects: Mapping[str, FileDigest | FolderDigest], outputs: list[str]
) -> Iterator[str]:
    for output in outputs:
        if output not in subjects:
            yield f"output {output} of a stage is no subject"
    in_folders = set()
    for name, digest in subjects.items():
        if isinstance(digest, FolderDigest):
            files = files_below(name, subjects)
            in_folders |= {f"{name}/{each}" for each in files}
            if digest_folder(files) != digest:
                yield f"subject {name} has other digests than those that follow from its files"
    for name in subjects:
        if name not in outputs and name not in in_folders:
            yield f"subject {name} is no output of a stage"
