"""Write what GitHub's attestation action takes: the predicate and the SHA-256 of all outputs.

    python -m linreg.certificate.attestation_inputs CERTIFICATE FOLDER

writes FOLDER/predicate.json and FOLDER/subjects.txt, in the format of `sha256sum`, and prints
`predicate-type=…`. https://github.com/actions/attest
"""

import sys
from pathlib import Path

from linreg.certificate import strict_json
from linreg.certificate.certificate_file import read_certificate
from linreg.certificate.statement import FileDigest
from linreg.errors import UserError, one_line_errors

MOST_SUBJECTS = 1024
"""How many subjects an attestation of GitHub may have."""


@one_line_errors
def main() -> None:
    """Write the two files."""
    certificate, folder = map(Path, sys.argv[1:])
    statement = read_certificate(certificate).statement
    digests = {
        each.name: each.digest.sha256
        for each in statement.subject
        if isinstance(each.digest, FileDigest)
    }
    if len(digests) > MOST_SUBJECTS:
        raise UserError(
            certificate,
            f"has more outputs than the {MOST_SUBJECTS} that GitHub attests at once",
            found=len(digests),
            todo="set `attest: false`, and sign the certificate by an SSH key",
        )
    folder.mkdir(parents=True, exist_ok=True)
    document = statement.document()
    (folder / "predicate.json").write_bytes(strict_json.pretty(document["predicate"]))
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in digests.items())
    (folder / "subjects.txt").write_text(lines, encoding="utf-8")
    print(f"predicate-type={statement.predicate_type}")


if __name__ == "__main__":
    main()
