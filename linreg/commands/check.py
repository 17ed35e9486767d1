"""Check a certificate that `linreg verify` has written, and that the outputs here are those that it
names.

Nothing is run, nothing is fetched, and no project is needed: the outputs in a folder are hashed,
and each of their files is compared. With --model or --run, a registered model or a run of MLflow is
compared in their place.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from linreg.certificate.certificate_file import read_certificate
from linreg.certificate.digests import digest_file
from linreg.certificate.outputs import (
    Digests,
    Mismatch,
    digests_of,
    first_mismatch,
    first_mismatch_of_copy,
    first_mismatch_of_hash,
)
from linreg.certificate.signers import signatures_in_words
from linreg.certificate.statement import IDENTICAL, FileDigest, Statement
from linreg.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("certificate", type=Path, metavar="FILE", help="the certificate")
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        metavar="FOLDER",
        help="the project whose outputs are checked (default: the working directory)",
    )
    parser.add_argument(
        "--model",
        metavar="NAME[/VERSION]",
        help="check a version of a registered model instead, the champion by default",
    )
    parser.add_argument("--run", metavar="RUN_ID", help="check the outputs of a run instead")
    parser.add_argument(
        "--signer", metavar="PRINCIPAL", help="who must have signed it, such as you@example.org"
    )
    parser.add_argument(
        "--allowed-signers",
        type=Path,
        metavar="FILE",
        help="the keys of signers, as git has them (default: git's gpg.ssh.allowedSignersFile)",
    )
    parser.add_argument(
        "--require-signature",
        action="store_true",
        help="refuse a certificate that no allowed signer has signed",
    )


def run(args: argparse.Namespace) -> int:
    """Print what was checked, and the first difference."""
    certificate = read_certificate(args.certificate)
    for line in signatures_in_words(
        certificate, args.allowed_signers, args.signer, required=args.require_signature
    ):
        print(line)
    for statement in certificate.statements:
        print("\n".join(_description(statement)))
    digests = digests_of(certificate.statement)
    mismatch = None
    for what, found in _comparisons(args, certificate.statement, digests):
        print(f"{what}: {found or 'as recorded'}")
        mismatch = mismatch or found
    result = "NOT what was certified" if mismatch else "every byte is what was certified"
    print(f"\ncheck: {result}")
    return 1 if mismatch else 0


def _comparisons(
    args: argparse.Namespace, statement: Statement, digests: Digests
) -> Iterator[tuple[str, Mismatch | None]]:
    if args.model or args.run:
        # Some of it imports MLflow, which takes seconds.
        from linreg.lineage.output_copies import copies_of_run, copies_of_version

        for name, copies_of in ((args.model, copies_of_version), (args.run, copies_of_run)):
            if name:
                with copies_of(name) as copies:
                    for path, folder in copies.folders.items():
                        found = first_mismatch_of_copy(path, digests, folder)
                        yield f"{path} of {copies.name}", found
                    for path, md5 in copies.hashes.items():
                        found = first_mismatch_of_hash(path, digests, md5)
                        yield f"{path} of {copies.name}", found
    if args.folder or not (args.model or args.run):
        folder = (args.folder or Path()).resolve()
        if not folder.is_dir():
            raise UserError(folder, "is no folder", todo="name the folder with the outputs")
        num_files = sum(isinstance(each, FileDigest) for each in digests.values())
        yield (
            f"{num_files} files in {folder}",
            first_mismatch(digests, folder, lambda path: _is_left_out_by_dvcignore(path, folder)),
        )
        for lock in statement.predicate.locks:
            file = folder / lock.name
            if file.is_file() and digest_file(file).sha256 != lock.digest.sha256:
                print(f"{file}: not that of the certified commit")


def _is_left_out_by_dvcignore(path: Path, folder: Path) -> bool:
    """Tell whether DVC counts a file in an output as none of it, and say so."""
    if not any((each / ".dvcignore").exists() for each in path.parents):
        return False
    # Imports DVC, which takes a second.
    from linreg.verify.repository.hashes import counted_files

    if path in counted_files(path.parent, folder):
        return False
    print(f"{path}: not certified, as .dvcignore leaves it out")
    return True


def _description(statement: Statement) -> Iterator[str]:
    predicate = statement.predicate
    machine = predicate.machine
    yield (
        f"commit {statement.commit}, executed from {predicate.started} to {predicate.finished} on"
        f" {machine.architecture}, {machine.cpu}, {machine.cores} cores"
    )
    others = [each for each in predicate.executions if each.verdict != IDENTICAL]
    num_executions = len(predicate.executions)
    yield (
        f"{num_executions - len(others)} of {num_executions} executions gave every byte of every"
        " output"
    )
    for execution in others:
        yield f"  {execution.name}: {execution.verdict}: {execution.difference}"
