"""The options of `linreg verify` that write a certificate of what was executed."""

import argparse
import importlib.metadata
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from linreg import __version__
from linreg.certificate.certificate_file import (
    Certificate,
    add_signed,
    read_certificate,
    write_signed,
    write_statement,
)
from linreg.certificate.issue import (
    environment_here,
    inputs_in,
    issue,
    locks_in,
    source_of,
    stage_of,
    subjects_in,
    utc_now,
)
from linreg.certificate.statement import (
    DIFFERENT,
    IDENTICAL,
    NOT_RUN,
    Execution,
    Machine,
    Statement,
    Subject,
)
from linreg.certificate.statement import Stage as StageOfStatement
from linreg.errors import UserError
from linreg.git import git
from linreg.verify.environment import cpu_name
from linreg.verify.repository.checkout import Checkout
from linreg.verify.repository.hashes import counted_files
from linreg.verify.repository.results import StageResult, Verdict, exit_code
from linreg.verify.repository.stages import RecordedHash, Stage

_Verdict = Literal["identical", "different", "not run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help="write what was executed, where, and the digests of all outputs, for `linreg check`",
    )
    what.add_argument(
        "--countersign",
        type=Path,
        metavar="FILE",
        help="execute the commit of a signed certificate on this machine, too, and add what came "
        "of it; needs --sign",
    )
    parser.add_argument(
        "--sign",
        type=Path,
        metavar="KEY",
        help="sign the certificate with an SSH key, such as ~/.ssh/id_ed25519",
    )


class CertificateIssuer:
    """Collects what executions of a checkout gave, and writes the certificate of it.

    path    the certificate; None if none is asked for
    key     the SSH key to sign it with
    first   the certificate to countersign
    """

    def __init__(self, args: argparse.Namespace) -> None:
        path = args.countersign or args.certificate
        # The command goes to the project's top folder.
        self.path = path and path.absolute()
        self.key = args.sign and args.sign.expanduser().absolute()
        self.first: Certificate | None = None
        self._started = utc_now()
        self._executions: list[Execution] = []
        self._recorded: dict[str, RecordedHash | None] = {}
        self._stages: list[Stage] = []
        self._subjects: list[Subject] = []
        if self.key is not None and self.path is None:
            raise UserError("--sign", "signs a certificate", todo="add --certificate FILE")
        if self.key is not None and not self.key.is_file():
            raise UserError(self.key, "there is no such key")
        if self.path is not None and args.changes:
            raise UserError("--set", "changes what is executed, of which there is no certificate")
        if args.countersign:
            self._read_first(args.commit)

    @property
    def commit(self) -> str | None:
        """The commit of the certificate to countersign."""
        return self.first.statement.commit if self.first else None

    def add(self, name: str, checkout: Checkout, results: Sequence[StageResult]) -> None:
        """Add what an execution of all stages gave, which must still lie in the checkout.

        One that was compared with another execution, and not with dvc.lock, does not count.
        """
        recorded = {
            out.output.path: out.output.recorded for each in results for out in each.outputs
        }
        self._recorded = self._recorded or recorded
        if self.path is None or any(self._recorded.get(key) != recorded[key] for key in recorded):
            return
        seconds = round(sum(each.seconds for each in results), 1)
        verdict, difference = _verdict(results)
        self._executions.append(
            Execution(name=name, verdict=verdict, difference=difference, seconds=seconds)
        )
        if verdict == IDENTICAL and not self._subjects:
            identical = [each for each in results if each.verdict == Verdict.IDENTICAL]
            self._stages = [each.stage for each in identical]
            self._subjects = _subjects(checkout, self._stages)

    def write(self, checkout: Checkout) -> str:
        """Write the certificate; returns in words what was written, or that nothing was.

        There is one where an execution gave every byte of what is recorded. Raises UserError where
        what came of it and the certificate to countersign disagree.
        """
        if self.path is None:
            return ""
        if not self._subjects:
            return "certificate: none is written of outputs that differ"
        return f"certificate: {self._write(self._statement(checkout))}"

    def _write(self, statement: Statement) -> str:
        assert self.path is not None
        if self.first is not None and self.key is not None:
            envelope = add_signed(self.first, statement, self.key)
            number = len(self.first.statements) + 1
            signer = envelope.signature.fingerprint
            return f"{self.path}, countersigned by {signer}; {number} statements agree"
        if self.key is not None:
            envelope = write_signed(self.path, statement, self.key)
            return f"{self.path}, signed by {envelope.signature.fingerprint}"
        write_statement(self.path, statement)
        return f"{self.path}, not signed"

    def _statement(self, checkout: Checkout) -> Statement:
        root, executed = checkout.root, self._stages
        inputs = {
            each.path: f"{each.recorded.algorithm}:{each.recorded.value}" if each.recorded else "-"
            for each in checkout.pipeline.inputs_of(executed)
        }
        locks = sorted({str(PurePosixPath(each.file).with_name("dvc.lock")) for each in executed})
        below = root.relative_to(checkout.top).as_posix()
        return issue(
            source_of(checkout.commit, "" if below == "." else below),
            locks_in(root, locks),
            inputs_in(root, inputs, lambda folder: counted_files(folder, root)),
            [_stage(each) for each in executed],
            self._subjects,
            environment_here(),
            Machine(
                architecture=platform.machine() or "unknown",
                cpu=cpu_name(),
                cores=os.cpu_count() or 1,
            ),
            self._executions,
            _versions(),
            self._started,
        )

    def _read_first(self, commit: str | None) -> None:
        assert self.path is not None
        if commit is not None:
            raise UserError("--countersign", "executes the commit of FILE", found=commit)
        if self.key is None:
            raise UserError("--countersign", "needs a key", todo="add --sign KEY")
        self.first = read_certificate(self.path)
        if not self.first.envelopes:
            raise UserError(self.path, "is not signed, so that there is nothing to countersign")
        # Of whomever: who it is is for those to say who rely on it.
        self.first.signers(None)


def _verdict(
    results: Sequence[StageResult],
) -> tuple[Literal["identical", "different", "not run"], str]:
    """Return the verdict on an execution, and its first difference or why it could not be run."""
    code = exit_code(results)
    differences = [each for result in results for each in result.differences()]
    if code == 1:
        return DIFFERENT, differences[0]
    reasons = [
        f"{each.stage.name}: {each.reason or each.verdict}"
        for each in results
        if each.verdict in (Verdict.FAILED, Verdict.UNRECORDED)
    ]
    return (NOT_RUN, reasons[0]) if code else (IDENTICAL, "")


def _subjects(checkout: Checkout, stages: Iterable[Stage]) -> list[Subject]:
    root = checkout.root
    paths = [output.path for stage in stages for output in stage.outputs]
    outside = next((each for each in paths if each.startswith("../")), None)
    if outside is not None:
        what = "is an output outside of the folder that holds .dvc; no certificate can name it"
        raise UserError(outside, what, todo="have the stage write it below that folder")
    return subjects_in(root, paths, lambda folder: counted_files(folder, root))


def _stage(stage: Stage) -> StageOfStatement:
    parameters = {each.path: each.values for each in stage.parameters}
    return stage_of(stage.name, [each.path for each in stage.outputs], parameters)


def _versions() -> dict[str, str]:
    return {
        "linreg": __version__,
        "dvc": importlib.metadata.version("dvc"),
        "git": git("version").removeprefix("git version "),
    }
