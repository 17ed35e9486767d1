"""The envelope of a signed statement: DSSE, version 1, with one signature by an SSH key.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md

What is signed is not the statement alone but its pre-authentication encoding, which also says of
what kind it is. `sig` is the SSH signature as https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
has it, without its armour; `keyid` is the fingerprint of its key.
"""

import base64
import binascii
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from linreg.certificate import strict_json
from linreg.certificate.ssh_signature import SshSignature, parse_signature
from linreg.errors import UserError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_URL_SAFE = str.maketrans("-_", "+/")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Signature(_Model):
    keyid: str
    sig: str


class _Envelope(_Model):
    payload: str
    payload_type: Annotated[Literal["application/vnd.in-toto+json"], Field(alias="payloadType")]
    signatures: Annotated[list[_Signature], Field(min_length=1, max_length=1)]


class Envelope:
    """A payload, the bytes of a statement, with the signature of its encoding."""

    def __init__(self, payload: bytes, signature: SshSignature) -> None:
        self.payload = payload
        self.signature = signature

    def line(self) -> bytes:
        """Return the envelope as a line of a bundle."""
        return strict_json.compact(
            {
                "payload": base64.b64encode(self.payload).decode(),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [
                    {
                        "keyid": self.signature.fingerprint,
                        "sig": base64.b64encode(self.signature.blob).decode(),
                    }
                ],
            }
        )


def encode_for_signature(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return the pre-authentication encoding (PAE) of a payload, which is what is signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def parse_envelope(line: bytes, where: object) -> Envelope:
    """Return the envelope in a line; raises UserError at `where` unless it is one, as written.

    Whether its signature is valid remains to be seen.
    """
    document = strict_json.parse(line, where)
    try:
        found = _Envelope.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the line"
        raise UserError(
            where, f"is no DSSE envelope of a certificate: {place}: {first['msg']}"
        ) from None
    payload = _decode(found.payload, f"{where}: payload")
    signature = parse_signature(_decode(found.signatures[0].sig, f"{where}: sig"), where)
    if found.signatures[0].keyid != signature.fingerprint:
        raise UserError(
            f"{where}: keyid",
            f"is not the key of the signature, {signature.fingerprint}",
            found=found.signatures[0].keyid,
        )
    strict_json.require_spelling(line, strict_json.compact(document), where)
    return Envelope(payload, signature)


def _decode(text: str, where: object) -> bytes:
    """Decode base64 in its one spelling, in either of the alphabets that DSSE allows."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
        same = base64.b64encode(data).decode() == text
    except (ValueError, binascii.Error):
        try:
            data = base64.urlsafe_b64decode(text)
            same = base64.urlsafe_b64encode(data).decode() == text
        except (ValueError, binascii.Error):
            same = False
    if not same:
        raise UserError(where, "is not canonical base64", found=text[-20:])
    return data
