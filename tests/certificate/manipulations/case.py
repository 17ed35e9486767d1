"""Ways to tamper with a certificate, its envelope, keys or outputs, and what names each of them.

Whoever tampers has no key of an allowed signer, but everything else: the files, OpenSSH, a key of
his own, and other signatures of the author's.
"""

import base64
import json
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.certificate.example import Keys

TYPE = "application/vnd.in-toto+json"
Manipulation = Callable[["Case", random.Random], None]
ALL: dict[str, tuple[Manipulation, str]] = {}
"""By name: what it does, and a regular expression for the message that refuses it."""


@dataclass
class Case:
    """A project with a signed certificate, in which everything may be changed.

    signed  whether a signature is required, as by `--require-signature`
    """

    folder: Path
    certificate: Path
    allowed: Path
    keys: Keys
    signed: bool = True

    def envelopes(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.certificate.read_text().splitlines()]

    def write(self, *envelopes: dict[str, Any]) -> None:
        self.certificate.write_text("".join(map(line_of, envelopes)))

    def payload(self) -> bytes:
        return base64.b64decode(self.envelopes()[0]["payload"])

    def statement(self) -> dict[str, Any]:
        return dict(json.loads(self.payload()))

    def write_statement(self, statement: dict[str, Any]) -> None:
        """Write it as a certificate that nobody signed."""
        self.signed = False
        text = json.dumps(statement, sort_keys=True, indent=2, ensure_ascii=False)
        self.certificate.write_text(f"{text}\n")


def line_of(envelope: dict[str, Any]) -> str:
    return json.dumps(envelope, sort_keys=True, separators=(",", ":")) + "\n"


def signed_with(
    key: Path, payload: bytes, kind: str = TYPE, namespace: str = "linreg-certificate"
) -> dict[str, str]:
    """Sign a payload as DSSE says, by OpenSSH alone."""
    message = b" ".join(
        [b"DSSEv1", b"%d" % len(kind), kind.encode(), b"%d" % len(payload), payload]
    )
    command = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", namespace]
    armour = subprocess.run(command, input=message, capture_output=True, check=True).stdout
    listed = subprocess.run(["ssh-keygen", "-l", "-f", key], capture_output=True, check=True)
    return {
        "keyid": listed.stdout.split()[1].decode(),
        "sig": b"".join(armour.splitlines()[1:-1]).decode(),
    }


def envelope_of(payload: bytes, signature: dict[str, str], kind: str = TYPE) -> dict[str, Any]:
    encoded = base64.b64encode(payload).decode()
    return {"payload": encoded, "payloadType": kind, "signatures": [signature]}


def flipped(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def manipulation(message: str) -> Callable[[Manipulation], Manipulation]:
    def register(change: Manipulation) -> Manipulation:
        ALL[change.__name__] = (change, message)
        return change

    return register


OTHER_DIGEST = "recorded (SHA-256|MD5) [0-9a-f]+, found [0-9a-f]+"
FORGED = "has a signature of something else, or was changed"
NOT_ALLOWED = r"is signed by the key SHA256:\S+, which \S+ does not allow"
