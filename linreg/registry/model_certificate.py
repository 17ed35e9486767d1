"""The certificate of a model that is to be registered."""

from dataclasses import dataclass
from pathlib import Path

from linreg.certificate.certificate_file import read_certificate
from linreg.certificate.digests import digest_file
from linreg.certificate.outputs import digests_of, first_mismatch_of_copy
from linreg.certificate.signers import signatures_in_words
from linreg.certificate.statement import IDENTICAL, Statement
from linreg.markdown import plain
from linreg.tracking.runs import MODEL

TAG = "linreg.certificate"
"""The tag of a version with the SHA-256 of its certificate."""


@dataclass(frozen=True)
class ModelCertificate:
    """A certificate that names the files of a model, and its signatures in words.

    mismatch  why it is not one of this model; empty if it is
    """

    path: Path
    sha256: str
    statements: tuple[Statement, ...]
    signatures: tuple[str, ...]
    mismatch: str

    def tags(self) -> dict[str, str]:
        """Return the tags of a version that has it."""
        return {TAG: self.sha256, f"{TAG}.commit": self.statements[0].commit}

    def paragraph(self) -> str:
        """Return what a version's page says of it, in Markdown."""
        executed = [f"on {_in_words(each)}" for each in self.statements]
        return plain(
            f"Certificate: commit {self.statements[0].commit} was executed again"
            f" {' and '.join(executed)}; {', '.join(self.signatures)}."
            f" It is an artifact of the run, {self.path.name}, with SHA-256 {self.sha256}."
        )


def certificate_of_model(path: Path, model: Path) -> ModelCertificate:
    """Read a certificate and compare it with the model in a folder.

    Raises UserError where the certificate is damaged or one of its signatures is refused.
    """
    certificate = read_certificate(path)
    signatures = signatures_in_words(certificate)
    mismatch = first_mismatch_of_copy(MODEL, digests_of(certificate.statement), model)
    return ModelCertificate(
        path,
        digest_file(path).sha256,
        tuple(certificate.statements),
        tuple(signatures),
        f"it is not the model of {path.name}: {mismatch}" if mismatch else "",
    )


def _in_words(statement: Statement) -> str:
    predicate = statement.predicate
    machine, executions = predicate.machine, predicate.executions
    num_identical = sum(each.verdict == IDENTICAL for each in executions)
    return (
        f"{machine.architecture}, {machine.cpu}, until {predicate.finished}"
        f" ({num_identical} of {len(executions)} executions identical)"
    )
