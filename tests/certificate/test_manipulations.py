"""Whatever is changed in a certificate, its keys or the outputs is refused, by name."""

import argparse
import io
import random
import re
import shutil
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from linreg.certificate.certificate_file import write_signed
from linreg.commands import check
from linreg.errors import UserError
from tests.certificate.example import AUTHOR, Keys, statement_of, write_outputs
from tests.certificate.manipulations import allowed_keys, envelopes, file_bytes, outputs, statements  # noqa: F401 - each registers its own
from tests.certificate.manipulations.case import ALL, Case

NUMBER, GROUPS = 500, 10


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Path:
    """A project with a certificate that its author has signed; copies of it are changed."""
    folder = tmp_path_factory.mktemp("original")
    write_outputs(folder / "project")
    statement = statement_of(folder / "project")
    write_signed(folder / "certificate.intoto.jsonl", statement, keys.key(AUTHOR))
    shutil.copy(keys.allowed, folder)
    return folder


def copy_of(original: Path, folder: Path, keys: Keys) -> Case:
    shutil.copytree(original, folder)
    certificate = folder / "certificate.intoto.jsonl"
    return Case(folder / "project", certificate, folder / "allowed_signers", keys)


def checked(case: Case) -> tuple[int, str]:
    """Return the exit code of `linreg check`, and what it prints."""
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    options = ["--allowed-signers", str(case.allowed)]
    options += ["--signer", AUTHOR, "--require-signature"] if case.signed else []
    args = parser.parse_args([str(case.certificate), str(case.folder), *options])
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            code = check.run(args)
    except UserError as error:
        return 2, str(error)
    return code, printed.getvalue()


def refused(name: str, seed: int, original: Path, folder: Path, keys: Keys) -> None:
    case = copy_of(original, folder, keys)
    change, message = ALL[name]
    change(case, random.Random(seed))  # noqa: S311
    code, printed = checked(case)
    assert code in (1, 2), f"{name} with seed {seed} was accepted: {printed}"
    assert re.search(message, printed), f"{name} with seed {seed}: {printed}"


def test_what_nobody_has_changed_is_accepted(original: Path, tmp_path: Path, keys: Keys) -> None:
    case = copy_of(original, tmp_path / "copy", keys)
    code, printed = checked(case)
    assert code == 0, printed
    assert printed.endswith("check: every byte is what was certified\n")
    payload = case.payload()
    case.write_statement(case.statement())
    assert case.certificate.read_bytes() == payload
    assert checked(case)[0] == 0


@pytest.mark.parametrize("name", ALL)
def test_a_manipulation_is_refused_by_name(
    name: str, original: Path, tmp_path: Path, keys: Keys
) -> None:
    refused(name, 0, original, tmp_path / "copy", keys)


@pytest.mark.slow
@pytest.mark.parametrize("group", range(GROUPS))
def test_500_seeded_manipulations_are_refused_by_name(
    group: int, original: Path, tmp_path: Path, keys: Keys
) -> None:
    names = list(ALL)
    for seed in range(group, NUMBER, GROUPS):
        refused(names[seed // GROUPS % len(names)], seed, original, tmp_path / str(seed), keys)
