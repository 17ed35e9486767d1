"""A certificate as a file: a statement as it is, or a bundle of signed ones, a line each.

A bundle is in-toto's: JSON Lines of envelopes, each signed by itself, so that a second machine adds
its line without a change of the first. https://github.com/in-toto/attestation/blob/main/spec/v1/bundle.md
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from linreg.certificate.agreement import require_agreement
from linreg.certificate.consistency import require_consistent
from linreg.certificate.envelope import Envelope, encode_for_signature, parse_envelope
from linreg.certificate.ssh_signature import check_signature, sign, signer_of
from linreg.certificate.statement import Statement, parse_statement
from linreg.errors import UserError
from linreg.files import new_file


@dataclass(frozen=True)
class Certificate:
    """The statements in a file, which agree; `envelopes` has that of each, if it is signed."""

    path: Path
    statements: Sequence[Statement]
    envelopes: Sequence[Envelope] = ()

    @property
    def statement(self) -> Statement:
        """The first statement; the others name the same outputs."""
        return self.statements[0]

    def signers(self, allowed: Path | None, principal: str | None = None) -> list[str]:
        """Check every signature, and return who made them, in words.

        allowed    the file of allowed signers; without one, a signature is only found to be one of
                   the statement, by whoever has the key
        principal  who must be among the signers

        Raises UserError for the first signature that is not valid or not of an allowed signer.
        """
        found = []
        for number, envelope in enumerate(self.envelopes, 1):
            where = _line(self.path, number)
            message = encode_for_signature(envelope.payload)
            if allowed is None:
                check_signature(message, envelope.signature, where)
                found.append(envelope.signature.fingerprint)
            else:
                found.append(signer_of(message, envelope.signature, allowed, where))
        if principal is not None and principal not in found:
            raise UserError(
                self.path, f"is not signed by {principal}", found=", ".join(found) or "no signature"
            )
        return found


def read_certificate(path: Path) -> Certificate:
    """Read a certificate; raises UserError unless it is complete, as written, and free of conflict.

    Whose signatures it has is for `Certificate.signers` to say.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UserError(path, "there is no such file", todo="name a certificate") from None
    except IsADirectoryError:
        raise UserError(path, "is a folder", todo="name a certificate") from None
    if not data.endswith(b"\n"):
        raise UserError(path, "is cut off: its last line has no end", todo="take the original file")
    if data.startswith(b"{\n"):
        return Certificate(path, [_statement(data, path)])
    lines = data.removesuffix(b"\n").split(b"\n")
    envelopes = [
        parse_envelope(line + b"\n", _line(path, number)) for number, line in enumerate(lines, 1)
    ]
    statements = [
        _statement(each.payload, f"{_line(path, number)}: payload")
        for number, each in enumerate(envelopes, 1)
    ]
    for number, other in enumerate(statements[1:], 2):
        require_agreement(statements[0], other, f"{path}: lines 1 and {number}")
    signatures = [each.signature.fingerprint for each in envelopes]
    for number, fingerprint in enumerate(signatures, 1):
        if signatures.index(fingerprint) != number - 1:
            raise UserError(
                _line(path, number),
                f"is signed by the same key as line {signatures.index(fingerprint) + 1}",
                found=fingerprint,
                todo="a second statement needs a second signer",
            )
    return Certificate(path, statements, envelopes)


def write_statement(path: Path, statement: Statement) -> None:
    """Write a statement that nobody signs."""
    _write(path, statement.encode())


def write_signed(path: Path, statement: Statement, key: Path) -> Envelope:
    """Sign a statement and write it as a bundle of one."""
    envelope = _signed(statement, key)
    _write(path, envelope.line())
    return envelope


def add_signed(certificate: Certificate, statement: Statement, key: Path) -> Envelope:
    """Sign a second statement of the same outputs and add it to a bundle.

    Raises UserError where it does not agree with the first, or has the same signer.
    """
    require_agreement(certificate.statement, statement, certificate.path)
    envelope = _signed(statement, key)
    known = [each.signature.fingerprint for each in certificate.envelopes]
    if envelope.signature.fingerprint in known:
        raise UserError(
            certificate.path, "is signed by this key already", todo="a second signer signs it"
        )
    lines = [each.line() for each in (*certificate.envelopes, envelope)]
    _write(certificate.path, b"".join(lines))
    return envelope


def _signed(statement: Statement, key: Path) -> Envelope:
    payload = statement.encode()
    return Envelope(payload, sign(encode_for_signature(payload), key))


def _write(path: Path, data: bytes) -> None:
    with new_file(path) as partial:
        partial.write_bytes(data)


def _statement(data: bytes, where: object) -> Statement:
    statement = parse_statement(data, where)
    require_consistent(statement, where)
    return statement


def _line(path: Path, number: int) -> str:
    return f"{path}: line {number}"
