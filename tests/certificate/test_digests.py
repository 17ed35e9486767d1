"""The digests are those that other programs compute."""

import subprocess
from pathlib import Path

import pytest
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_objects.fs.local import LocalFileSystem

from linreg.certificate.digests import digest_file, digest_files, digest_folder, digest_path
from linreg.certificate.statement import FolderDigest
from tests.certificate.example import FILES

OF_IN_TOTO = "find . -type f | cut -c3- | LC_ALL=C sort | xargs -r sha256sum | sha256sum"
"""The command by which in-toto's specification defines dirHash."""


def test_a_file_has_the_digests_that_coreutils_print(project: Path) -> None:
    for name in FILES:
        found = digest_file(project / name)
        for program, digest in (("sha256sum", found.sha256), ("md5sum", found.md5)):
            done = subprocess.run([program, project / name], capture_output=True, check=True)
            assert done.stdout.split()[0].decode() == digest


@pytest.mark.parametrize("folder", ["models", "models/model", "data"])
def test_a_folder_has_the_digest_that_in_toto_defines(project: Path, folder: str) -> None:
    command = ["bash", "-c", OF_IN_TOTO]
    done = subprocess.run(command, cwd=project / folder, capture_output=True, check=True)
    found = digest_path(project / folder)
    assert isinstance(found, FolderDigest)
    assert found.dir_hash == done.stdout.split()[0].decode()
    assert found == digest_folder(digest_files(project / folder))


def test_a_folder_has_the_md5_that_dvc_records(project: Path, tmp_path: Path) -> None:
    files = LocalFileSystem()  # type: ignore[no-untyped-call]
    store = HashFileDB(files, str(tmp_path / "store"))
    _, _, built = build(store, str(project / "models"), files, "md5")
    found = digest_path(project / "models")
    assert isinstance(found, FolderDigest)
    assert f"{found.dvc_dir_md5}.dir" == built.hash_info.value


def test_a_file_larger_than_a_block_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"0123456789abcdef" * 200_000)
    done = subprocess.run(["sha256sum", path], capture_output=True, check=True)
    assert digest_file(path).sha256 == done.stdout.split()[0].decode()
