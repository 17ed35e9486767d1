"""Who has signed a certificate, as far as a file of allowed signers says."""

from pathlib import Path

from linreg.certificate.certificate_file import Certificate
from linreg.certificate.ssh_signature import allowed_signers_of_git
from linreg.errors import UserError

NOT_SIGNED = "NOT SIGNED: anybody may have written it"


def signatures_in_words(
    certificate: Certificate,
    allowed: Path | None = None,
    signer: str | None = None,
    *,
    required: bool = False,
) -> list[str]:
    """Check all signatures and return a line about each; raises UserError where one is refused.

    allowed   the file of allowed signers, by default the one in git's configuration
    signer    who must be among them
    required  whether one must be of an allowed signer
    """
    allowed = allowed or allowed_signers_of_git()
    if (required or signer) and not certificate.envelopes:
        raise UserError(certificate.path, "is not signed", todo="ask for one that is")
    if (required or signer) and allowed is None:
        raise UserError(
            certificate.path,
            "cannot be checked: whose keys are whose is not known",
            todo="name a file with lines `NAME KEY` by --allowed-signers",
        )
    keys = [each.signature.fingerprint for each in certificate.envelopes]
    names = certificate.signers(allowed, signer)
    if allowed is None:
        of_whom = "; whose it is, --allowed-signers FILE would say"
        return [f"signed by the key {key}{of_whom}" for key in keys] or [NOT_SIGNED]
    words = [f"signed by {name}, key {key}" for name, key in zip(names, keys, strict=True)]
    return words or [NOT_SIGNED]
