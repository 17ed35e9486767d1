"""Envelopes and bundles are those of DSSE and in-toto, and other programs read and make them."""

import base64
import json
import subprocess
from pathlib import Path

import pytest

from linreg.certificate.certificate_file import (
    add_signed,
    read_certificate,
    write_signed,
    write_statement,
)
from linreg.certificate.envelope import encode_for_signature
from linreg.errors import UserError
from tests.certificate.example import AUTHOR, REFEREE, STRANGER, Keys, statement_of
from tests.certificate.manipulations.case import line_of


@pytest.fixture
def certificate(project: Path, tmp_path: Path, keys: Keys) -> Path:
    path = tmp_path / "certificate.intoto.jsonl"
    write_signed(path, statement_of(project), keys.key(AUTHOR))
    return path


def test_the_encoding_that_is_signed_is_that_of_the_specification() -> None:
    """Its own example: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md."""
    kind = "http://example.com/HelloWorld"
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert encode_for_signature(b"hello world", kind) == expected
    assert encode_for_signature("é".encode(), "ü") == b"DSSEv1 2 \xc3\xbc 2 \xc3\xa9"


def test_openssh_alone_verifies_what_the_envelope_holds(
    certificate: Path, tmp_path: Path, keys: Keys
) -> None:
    (line,) = certificate.read_text().splitlines()
    envelope = json.loads(line)
    assert list(envelope) == ["payload", "payloadType", "signatures"]
    payload = base64.b64decode(envelope["payload"])
    message = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
    (signature,) = envelope["signatures"]
    armour = f"-----BEGIN SSH SIGNATURE-----\n{signature['sig']}\n-----END SSH SIGNATURE-----\n"
    (tmp_path / "sig").write_text(armour)
    command = ["ssh-keygen", "-Y", "verify", "-f", str(keys.allowed), "-I", AUTHOR]
    command += ["-n", "linreg-certificate", "-s", str(tmp_path / "sig")]
    done = subprocess.run(command, input=message, capture_output=True, check=True)
    assert signature["keyid"] in done.stdout.decode()


@pytest.mark.parametrize("kind", [["-t", "ecdsa"], ["-t", "rsa", "-b", "2048"]], ids=lambda k: k[1])
def test_keys_of_other_kinds_sign_too(
    project: Path, tmp_path: Path, keys: Keys, kind: list[str]
) -> None:
    key, path = tmp_path / "key", tmp_path / "certificate.intoto.jsonl"
    subprocess.run(["ssh-keygen", "-q", *kind, "-N", "", "-f", key], check=True)
    write_signed(path, statement_of(project), key)
    allowed = tmp_path / "allowed"
    allowed.write_text(f"someone {key.with_suffix('.pub').read_text()}")
    assert read_certificate(path).signers(allowed, "someone") == ["someone"]


def test_an_encrypted_key_and_a_missing_one_are_named(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is there to be asked.
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("SSH_ASKPASS", "/bin/false")
    key, path = tmp_path / "key", tmp_path / "certificate.intoto.jsonl"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", key], check=True)
    with pytest.raises(UserError, match=r"key: cannot sign; found .*passphrase"):
        write_signed(path, statement_of(project), key)
    with pytest.raises(UserError, match="there is no such key"):
        write_signed(path, statement_of(project), tmp_path / "nothing")
    assert not path.exists()


def test_the_url_safe_alphabet_of_base64_is_read_as_dsse_demands(
    certificate: Path, keys: Keys
) -> None:
    (envelope,) = map(json.loads, certificate.read_text().splitlines())
    url_safe = str.maketrans("+/", "-_")
    signature = envelope["signatures"][0]
    signature["sig"] = signature["sig"].translate(url_safe)
    envelope["payload"] = envelope["payload"].translate(url_safe)
    certificate.write_text(line_of(envelope))
    assert read_certificate(certificate).signers(keys.allowed) == [AUTHOR]


def test_a_second_machine_adds_a_line_and_leaves_the_first(
    certificate: Path, project: Path, keys: Keys
) -> None:
    before = certificate.read_bytes()
    other = statement_of(project, cpu="another CPU (x86-64-v4)")
    add_signed(read_certificate(certificate), other, keys.key(REFEREE))
    assert certificate.read_bytes().startswith(before)
    both = read_certificate(certificate)
    assert both.signers(keys.allowed) == [AUTHOR, REFEREE]
    assert [each.predicate.machine.cpu for each in both.statements] == [
        "a CPU (x86-64-v3)",
        "another CPU (x86-64-v4)",
    ]


def test_statements_that_disagree_do_not_come_together(
    certificate: Path, project: Path, keys: Keys
) -> None:
    before = certificate.read_bytes()
    (project / "models/model/deep/z.txt").write_text("another end\n")
    other = statement_of(project)
    named = r"disagree about models/model/deep/z.txt: sha256 \w+, md5 \w+ and sha256 \w+, md5"
    with pytest.raises(UserError, match=named):
        add_signed(read_certificate(certificate), other, keys.key(REFEREE))
    assert certificate.read_bytes() == before


def test_only_whoever_must_have_signed_counts(certificate: Path, keys: Keys) -> None:
    found = read_certificate(certificate)
    assert found.signers(keys.allowed, AUTHOR) == [AUTHOR]
    with pytest.raises(UserError, match=f"is not signed by {STRANGER}; found {AUTHOR}"):
        found.signers(keys.allowed, STRANGER)
    # Without a list of signers, a signature says that the key's owner made it, whoever that is.
    (fingerprint,) = found.signers(None)
    assert fingerprint.startswith("SHA256:")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path, project: Path) -> None:
    with pytest.raises(UserError, match="there is no such file; name a certificate"):
        read_certificate(tmp_path / "nothing")
    with pytest.raises(UserError, match="is a folder; name a certificate"):
        read_certificate(tmp_path)
    write_statement(tmp_path / "unsigned.json", statement_of(project))
    assert read_certificate(tmp_path / "unsigned.json").envelopes == ()
