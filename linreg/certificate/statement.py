"""What a certificate says: an in-toto Statement, version 1, with a predicate of linreg's.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md

These models are strict, and docs/certificate.schema.json, which is made from them, says the same.
What a schema cannot say is in `linreg.certificate.consistency`.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from linreg.certificate import strict_json
from linreg.errors import UserError

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://linreg.invalid/reproduction/v1"
"""A name, as in-toto's TypeURIs are: nothing is fetched from there."""
IDENTICAL: Final = "identical"
DIFFERENT: Final = "different"
NOT_RUN: Final = "not run"

_ANY = r"[^/\\\x00-\x1f\x7f]"
_NO_DOT = r"[^./\\\x00-\x1f\x7f]"
_PART = rf"(?:{_NO_DOT}{_ANY}*|\.{_NO_DOT}{_ANY}*|\.\.{_ANY}+)"
PathName: TypeAlias = Annotated[str, Field(pattern=f"^{_PART}(?:/{_PART})*$")]
"""A path within the project, with `/` between its parts, none of which is `.` or `..`."""
_Sha256: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Md5: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
_GitObject: TypeAlias = Annotated[str, Field(pattern="^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
_Time: TypeAlias = Annotated[
    str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")
]
_Text: TypeAlias = Annotated[str, Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        serialize_by_alias=True,
    )


class FileDigest(_Model):
    """SHA-256 and MD5 of a file's bytes."""

    sha256: _Sha256
    md5: _Md5


class FolderDigest(_Model):
    """The digests of a folder, which follow from those of its files.

    `dirHash` is in-toto's: the SHA-256 of the lines that `sha256sum` prints of the files, sorted by
    their paths in the folder. `dvcDirMd5` is the MD5 that DVC records of the folder, of a listing
    of the files with their MD5s, without its `.dir`; in lower-case hexadecimal, as the others.
    """

    dir_hash: _Sha256
    dvc_dir_md5: _Md5


class Subject(_Model):
    """An output, or a file in an output that is a folder, by its path within the project."""

    name: PathName
    digest: FileDigest | FolderDigest


class RecordedDigest(_Model):
    """What DVC records of something that is no file here, such as the ETag of a URL."""

    dvc_recorded: _Text


class Input(_Model):
    """What a stage reads and no stage writes: a file or folder, by its path, or a URL."""

    name: _Text
    digest: FileDigest | FolderDigest | RecordedDigest


class LockDigest(_Model):
    """SHA-256 of a dvc.lock."""

    sha256: _Sha256


class Lock(_Model):
    """A dvc.lock of the commit."""

    name: PathName
    digest: LockDigest


class SourceDigest(_Model):
    """The commit that was executed, and the tree of files that it names."""

    git_commit: _GitObject
    git_tree: _GitObject


class Source(_Model):
    """The state of the repository; `folder` is the project in it, empty for its top folder."""

    digest: SourceDigest
    folder: PathName | Literal[""]


class Stage(_Model):
    """A stage that was executed: its outputs, and its parameters by file and name."""

    name: _Text
    outputs: list[PathName]
    parameters: dict[str, dict[str, JsonValue]]


class Environment(_Model):
    """What executed the stages, as far as the verifying Python knows it."""

    python: _Text
    implementation: _Text
    system: _Text
    libc: str
    libraries: dict[str, str]


class Machine(_Model):
    """The kind of machine; `cpu` is its model name with its x86-64 level."""

    architecture: _Text
    cpu: _Text
    cores: Annotated[int, Field(ge=1)]


class Execution(_Model):
    """One execution of all stages: as they are, or in a cell of a matrix, or with a variation.

    `difference` is the first one, in words, or why it could not be run; empty if there is none.
    """

    name: _Text
    verdict: Literal["identical", "different", "not run"]
    difference: str
    seconds: Annotated[float, Field(ge=0)]


class Predicate(_Model):
    """How the outputs were made again, and what came of it."""

    source: Source
    locks: Annotated[list[Lock], Field(min_length=1)]
    inputs: list[Input]
    stages: Annotated[list[Stage], Field(min_length=1)]
    environment: Environment
    machine: Machine
    executions: Annotated[list[Execution], Field(min_length=1)]
    versions: dict[str, str]
    started: _Time
    finished: _Time


class Statement(_Model):
    """That these outputs were made again, byte for byte."""

    type: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")]
    subject: Annotated[list[Subject], Field(min_length=1)]
    predicate_type: Literal["https://linreg.invalid/reproduction/v1"]
    predicate: Predicate

    @property
    def commit(self) -> str:
        """The hash of the commit that was executed."""
        return self.predicate.source.digest.git_commit

    def document(self) -> dict[str, Any]:
        """Return the statement as plain data for JSON."""
        return self.model_dump(mode="json")

    def encode(self) -> bytes:
        """Return the one spelling of the statement."""
        return strict_json.pretty(self.document())


def parse_statement(data: bytes, where: object) -> Statement:
    """Return the statement in `data`; raises UserError at `where` unless it is one, as written."""
    document = strict_json.parse(data, where)
    try:
        statement = Statement.model_validate(document)
    except ValidationError as error:
        raise UserError(where, *_first_error(error)) from None
    strict_json.require_spelling(data, statement.encode(), where)
    return statement


def _first_error(error: ValidationError) -> tuple[str]:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "the document"
    return (f"does not follow the schema of certificates at {place}: {first['msg']}",)
