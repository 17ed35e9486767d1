"""Signatures by SSH keys, as git has them too: made and checked by OpenSSH.

https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
"""

import base64
import hashlib
import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from linreg.errors import UserError
from linreg.git import query_git

NAMESPACE = "linreg-certificate"
"""What a signature is for: those of git and of files have other namespaces, and do not count."""
_ARMOUR = re.compile(
    r"-----BEGIN SSH SIGNATURE-----\n(.*)\n-----END SSH SIGNATURE-----\n", re.DOTALL
)
_MAGIC = b"SSHSIG"
_INSTALL = "install OpenSSH 8.2 or newer"


@dataclass(frozen=True)
class SshSignature:
    """A signature as OpenSSH writes it, without its armour.

    fingerprint  of the key that made it, as `ssh-keygen -l` prints it: SHA256:…
    """

    blob: bytes
    fingerprint: str

    def armoured(self) -> str:
        """Return what ssh-keygen reads."""
        text = base64.b64encode(self.blob).decode()
        lines = [text[start : start + 70] for start in range(0, len(text), 70)]
        return "\n".join(
            ["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""]
        )


def parse_signature(blob: bytes, where: object) -> SshSignature:
    """Read the key and the namespace of a signature; raises UserError for another namespace."""
    try:
        if blob[:6] != _MAGIC or blob[6:10] != b"\0\0\0\1":
            raise ValueError("no SSHSIG of version 1")
        key, rest = _string(blob[10:])
        namespace, _ = _string(rest)
    except ValueError as error:
        raise UserError(f"{where}: sig", "is no SSH signature", found=error) from None
    if namespace != NAMESPACE.encode():
        raise UserError(
            f"{where}: sig",
            f"was made for another purpose than {NAMESPACE}",
            found=f"the namespace {namespace.decode(errors='replace')}",
        )
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    return SshSignature(blob, f"SHA256:{digest}")


def _string(data: bytes) -> tuple[bytes, bytes]:
    """Return the string at the beginning of SSH's wire format, and what follows it."""
    if len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
        raise ValueError("one that is cut off")
    end = 4 + struct.unpack(">I", data[:4])[0]
    return data[4:end], data[end:]


def sign(message: bytes, key: Path) -> SshSignature:
    """Sign with a private key, or with the ssh-agent's for a public one; may ask for a passphrase.

    Raises UserError where ssh-keygen cannot do it.
    """
    if not key.is_file():
        raise UserError(key, "there is no such key", todo="name one such as ~/.ssh/id_ed25519")
    done = _ssh_keygen("sign", "-f", str(key), "-n", NAMESPACE, message=message)
    armour = _ARMOUR.fullmatch(done.stdout.decode(errors="replace"))
    if done.returncode or not armour:
        raise UserError(key, "cannot sign", found=_reason(done), todo="see `ssh-keygen -Y sign`")
    return parse_signature(base64.b64decode(armour[1]), key)


def allowed_signers_of_git() -> Path | None:
    """Return the file of allowed signers that git's configuration names; None if it names none."""
    found = query_git("config", "--type=path", "--get", "gpg.ssh.allowedSignersFile")
    return Path(found) if found else None


def check_signature(message: bytes, signature: SshSignature, where: object) -> None:
    """Raise UserError at `where` unless the signature is one of this message, whosever it is."""
    with _signature_file(signature) as file:
        done = _ssh_keygen("check-novalidate", "-n", NAMESPACE, "-s", file.name, message=message)
    if done.returncode:
        raise UserError(
            where, "has a signature of something else, or was changed", found=_reason(done)
        )


def signer_of(message: bytes, signature: SshSignature, allowed: Path, where: object) -> str:
    """Return whose signature of the message it is; raises UserError at `where` if nobody's.

    allowed  file of allowed signers, as in ssh-keygen(1) and in git's gpg.ssh.allowedSignersFile
    """
    check_signature(message, signature, where)
    if not allowed.is_file():
        raise UserError(allowed, "there is no such file of allowed signers")
    with _signature_file(signature) as file:
        of_signature = ("-s", file.name, "-f", str(allowed))
        done = _ssh_keygen("find-principals", *of_signature, message=message)
        for name in done.stdout.decode(errors="replace").splitlines():
            options = ("-I", name, "-n", NAMESPACE, *of_signature)
            done = _ssh_keygen("verify", *options, message=message)
            if done.returncode == 0:
                return name
    raise UserError(
        where,
        f"is signed by the key {signature.fingerprint}, which {allowed} does not allow",
        found=_reason(done),
        todo="add a line `NAME KEY` to that file only if you know whose key it is",
    )


def _signature_file(signature: SshSignature) -> "tempfile._TemporaryFileWrapper[str]":
    file = tempfile.NamedTemporaryFile("w", suffix=".sig")  # noqa: SIM115 - the caller closes it
    file.write(signature.armoured())
    file.flush()
    return file


def _ssh_keygen(action: str, *options: str, message: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - no shell, and options of ours
            ["ssh-keygen", "-Y", action, *options],  # noqa: S607 - the user's OpenSSH
            input=message,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise UserError("ssh-keygen", "is not installed", todo=_INSTALL) from None


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode} of ssh-keygen"
